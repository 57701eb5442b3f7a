// Two Chromium pages with WebTorrent: one seeds a file, the other downloads it over WebRTC. They
// are given nothing but the info_hash and the tracker, the other one perhaps another of its addresses.
// Usage: node webtorrent_pages.mjs BROWSER URL FILE [URL [LEFT]]
//
// BROWSER: the address that `chromium.mjs` writes.
// LEFT: what both announce as left, whatever they have; as programs do that only need to meet.
// Writes the SHA-256 of what arrived, in hex.

import { readFile } from 'node:fs/promises'
import { pagesOf, SHA256, website } from './pages.mjs'

const [endpoint, tracker, file, other = tracker, left] = process.argv.slice(2)
const announced = left === undefined ? '' : `, getAnnounceOpts: () => ({ left: ${left} })`

const PAGE = `<!doctype html><script type="module">${SHA256}
  import WebTorrent from '/node_modules/webtorrent/dist/webtorrent.min.js'
  // No STUN server: the addresses of this machine are enough.
  window.client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] }${announced} } })
  window.ready = true
</script>`

const site = await website(PAGE, { '/content': await readFile(file) })
const pages = await pagesOf(endpoint)

const seeder = await pages.open(site.url, 'seeder')
const infoHash = await seeder.evaluate(async (tracker) => {
  const content = new File([await (await fetch('/content')).blob()], 'content')
  return new Promise((resolve) => {
    window.client.seed(content, { announce: [tracker] }, (torrent) => resolve(torrent.infoHash))
  })
}, tracker)

const leecher = await pages.open(site.url, 'leecher')
const digest = await leecher.evaluate(async ({ infoHash, tracker }) => {
  const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(tracker)}`
  const torrent = window.client.add(magnet)
  await new Promise((resolve, reject) => torrent.on('done', resolve).on('error', reject))
  return window.sha256(await torrent.files[0].arrayBuffer())
}, { infoHash, tracker: other })

console.log(digest)
await pages.close()
site.close()
