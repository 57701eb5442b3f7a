// A resolve hook for Node: the npm client imports `webrtc-polyfill`, whose native binary is built
// by an install script, and we run none. Whoever imports it gets a module without WebRTC instead,
// so that announces and scrapes work and only offers cannot be made (the browsers' test has those).

const ABSENT = ['RTCPeerConnection', 'RTCSessionDescription', 'RTCIceCandidate']
const source = ABSENT.map((name) => `export const ${name} = undefined`).join('\n')
const url = `data:text/javascript,${encodeURIComponent(source)}`

export const resolve = (specifier, context, next) =>
  specifier === 'webrtc-polyfill' ? { url, shortCircuit: true } : next(specifier, context)
