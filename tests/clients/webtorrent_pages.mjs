// Two Chromium pages with WebTorrent: one seeds a file, the other downloads it over WebRTC. They
// are given nothing but the info_hash and the tracker, the other one perhaps another of its addresses.
// Usage: node webtorrent_pages.mjs BROWSER URL FILE [URL [LEFT]]
//
// BROWSER: the address that `chromium.mjs` writes.
// LEFT: what both announce as left, whatever they have; as programs do that only need to meet.
// Writes the SHA-256 of what arrived, in hex.

import { readFile } from 'node:fs/promises'
import { pagesOf, website } from './pages.mjs'
import { webtorrentPage } from './webtorrent.mjs'

const [endpoint, tracker, file, other = tracker, left] = process.argv.slice(2)

const site = await website(webtorrentPage(left), { '/content': await readFile(file) })
const pages = await pagesOf(endpoint)

const seeder = await pages.open(site.url, 'seeder')
const infoHash = await seeder.evaluate(async (tracker) => {
  const content = new File([await (await fetch('/content')).blob()], 'content')
  return new Promise((resolve) => {
    window.client.seed(content, { announce: [tracker] }, (torrent) => resolve(torrent.infoHash))
  })
}, tracker)

const leecher = await pages.open(site.url, 'leecher')
const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(other)}`
console.log(await leecher.evaluate((magnet) => window.download(magnet), magnet))
await pages.close()
site.close()
