// Why nothing happens, in words that help. Pure: what is known goes in, notices come out.

const PATIENCE_S = 8 // before the page says that it waits for a sharer
const ANSWER_S = 20 // a peer that gets an offer answers within a few seconds
const STALLED_S = 15 // without a byte, while connected

/**
 * What is known.
 *
 * @typedef {Object} State
 * @property {boolean} webrtc the browser has it.
 * @property {boolean} online
 * @property {string} tracker `connecting`, `up` or `down`.
 * @property {string} refusal why the tracker rejects announces; empty: it does not.
 * @property {number|null} seeders browsers with the whole file, by the last announce.
 * @property {number|null} leechers browsers without, this one among them.
 * @property {number|null} programs others that have the whole file: BitTorrent programs.
 * @property {number} attempts peers that the tracker introduced.
 * @property {number} failures those of them that could not be connected to.
 * @property {number} connected
 * @property {boolean} relay the tracker has a TURN server.
 * @property {boolean} relayOnly the visitor asked for nothing else.
 * @property {number} waitedS seconds since the start.
 * @property {number} stalledS seconds since the last byte.
 * @property {boolean} throttled the browser slowed this tab down a moment ago.
 */

/**
 * Return the notices to show while a download is not complete; empty: all is well.
 *
 * @param {State} state
 * @returns {{level: string, text: string, advice: string}[]}
 */
export function diagnose (state) {
  if (!state.webrtc) return [NO_WEBRTC]
  if (state.relayOnly && !state.relay) return [NO_RELAY]
  if (state.connected > 0) return state.stalledS >= STALLED_S ? [stalled(state)] : []
  if (!state.online) return [OFFLINE]
  if (state.tracker === 'down') return [TRACKER_DOWN]
  if (state.refusal) return [refused(state)]
  if (state.tracker === 'connecting') return state.waitedS >= PATIENCE_S ? [TRACKER_SLOW] : []
  if (state.attempts > 0 && state.failures >= state.attempts) return [unreachable(state)]
  if (state.waitedS < PATIENCE_S || state.seeders === null) return []
  if (state.seeders === 0) return [absent(state)]
  return state.waitedS >= ANSWER_S && state.attempts === 0 ? [silent(state)] : []
}

const NO_WEBRTC = {
  level: 'error',
  text: 'This browser cannot connect to other browsers: WebRTC is missing or switched off.',
  advice: 'Open the link in a current Chrome, Edge, Firefox or Safari. If this is one, an extension or a setting may block WebRTC: switch it off for this page.'
}

const NO_RELAY = {
  level: 'error',
  text: 'This page may connect through a relay only, and this tracker has none.',
  advice: 'Open the link without “?relay” to connect directly.'
}

const OFFLINE = {
  level: 'error',
  text: 'This device is offline.',
  advice: 'The download goes on by itself when it is online again.'
}

const TRACKER_DOWN = {
  level: 'error',
  text: 'The tracker does not answer.',
  advice: 'It may be restarting, or your network may block WebSockets. This page tries again by itself. If it takes minutes, try another network or ask the operator of this site.'
}

const TRACKER_SLOW = {
  level: 'warning',
  text: 'The tracker takes long to answer.',
  advice: 'This page keeps trying. A proxy or a firewall on your network may slow down WebSockets.'
}

const refused = ({ refusal }) => ({
  level: 'error',
  text: `The tracker rejects this download: ${refusal}`,
  advice: 'If it is too busy or restarts, the download starts by itself a little later. Otherwise ask the operator of this site.'
})

const unreachable = ({ relay }) => ({
  level: 'error',
  text: 'Another browser has the file, but your two networks do not let the browsers connect.',
  advice: relay
    ? 'A relay (TURN server) was tried as well: one of the networks blocks it. Try another network, a phone’s hotspot for example, or switch off a VPN, here or on the other side.'
    : 'Company networks, some mobile networks and VPNs do this (“symmetric NAT”), and this tracker has no relay (TURN server) to help. Try another network, a phone’s hotspot for example, or switch off a VPN, here or on the other side.'
})

function absent ({ leechers, programs }) {
  if (programs > 0) {
    return {
      level: 'warning',
      text: 'Only BitTorrent programs have this file now, and browsers cannot connect to them.',
      advice: 'Open the magnet link below in a BitTorrent program.'
    }
  }
  const others = (leechers ?? 1) - 1
  return {
    level: 'warning',
    text: others > 0
      ? 'No one who is online now has the whole file; others are waiting for it, too.'
      : 'No one who has this file is online now.',
    advice: 'Ask the person who sent you the link to open the file in their sharing tab again, and to keep that tab open. The download then starts here by itself.'
  }
}

const silent = ({ seeders }) => ({
  level: 'warning',
  text: seeders === 1
    ? 'The person who shares the file does not answer.'
    : 'The people who share the file do not answer.',
  advice: 'Their browser may have put the tab to sleep, or they closed it a moment ago. Ask them to bring the tab to the front.'
})

const stalled = ({ throttled }) => ({
  level: 'warning',
  text: 'Connected, but nothing arrives.',
  advice: throttled
    ? 'Browsers slow down tabs in the background. Keep this tab in a window of its own, in front; the same holds on the other side.'
    : 'The other side may be asleep, or its tab in the background. Ask them to bring it to the front; the download then goes on by itself.'
})
