// Two Chromium pages with WebTorrent that may connect through a TURN server only: one seeds a file,
// the other downloads it. Both read the servers and their credentials from the tracker.
// Usage: node relay_pages.mjs BROWSER URL FILE ICE EXPIRED
//
// BROWSER: the address that `chromium.mjs` writes.
// ICE: the URL of the tracker's ice.json.
// EXPIRED: a credential in JSON: {"username": …, "credential": …}.
// Writes one line of JSON: {"digest": of what arrived, "types": of the candidates that the
// downloading page's connections used, "forged": the code of the error for a wrong credential,
// "expired": the same, for EXPIRED}.

import { readFile } from 'node:fs/promises'
import { pagesOf, SHA256, website } from './pages.mjs'

const [endpoint, tracker, file, ice, outdated] = process.argv.slice(2)
const PAGE = `<!doctype html><script type="module">${SHA256}
  const connections = []
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor (...args) {
      super(...args)
      connections.push(this)
    }
  }
  // Not before: the bundle takes the class when it is loaded.
  const { default: WebTorrent } = await import('/node_modules/webtorrent/dist/webtorrent.min.js')

  window.start = async (ice) => {
    const { iceServers } = await (await fetch(ice)).json()
    const rtcConfig = { iceServers, iceTransportPolicy: 'relay' }
    window.client = new WebTorrent({ tracker: { rtcConfig } })
    return iceServers
  }

  window.download = async (torrent) => {
    const added = window.client.add(torrent)
    await new Promise((resolve, reject) => added.on('done', resolve).on('error', reject))
    return sha256(await added.files[0].arrayBuffer())
  }

  // The types of both candidates of each pair that carried data.
  window.typesUsed = async () => {
    const types = []
    for (const connection of connections) {
      const stats = await connection.getStats()
      for (const each of stats.values()) {
        if (each.type === 'candidate-pair' && each.bytesReceived > 0) {
          types.push(stats.get(each.localCandidateId).candidateType)
          types.push(stats.get(each.remoteCandidateId).candidateType)
        }
      }
    }
    return types
  }

  // The code of the error that a TURN server answers a credential with.
  window.errorOf = async (iceServers) => {
    const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' })
    const failed = new Promise((resolve) => {
      connection.onicecandidateerror = ({ errorCode }) => resolve(errorCode)
    })
    connection.createDataChannel('')
    await connection.setLocalDescription()
    return failed
  }
  window.ready = true
</script>`

const site = await website(PAGE, { '/content': await readFile(file) })
const pages = await pagesOf(endpoint)

const seeder = await pages.open(site.url, 'seeder')
await seeder.evaluate((ice) => window.start(ice), ice)
const infoHash = await seeder.evaluate(async (tracker) => {
  const content = new File([await (await fetch('/content')).blob()], 'content')
  return new Promise((resolve) => {
    window.client.seed(content, { announce: [tracker] }, (torrent) => resolve(torrent.infoHash))
  })
}, tracker)

const leecher = await pages.open(site.url, 'leecher')
const servers = await leecher.evaluate((ice) => window.start(ice), ice)
const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(tracker)}`
const digest = await leecher.evaluate((magnet) => window.download(magnet), magnet)
const types = await leecher.evaluate(() => window.typesUsed())

const errorOf = (changed) =>
  leecher.evaluate((all) => window.errorOf(all), servers.map((each) => ({ ...each, ...changed })))
const forged = await errorOf({ credential: 'guessed' })
const expired = await errorOf(JSON.parse(outdated))

console.log(JSON.stringify({ digest, types, forged, expired }))
await pages.close()
site.close()
