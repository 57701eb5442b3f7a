// A Chromium page seeds a file by a frontend that is being replaced, and another page downloads it by
// the new one. Usage: node rolling_pages.mjs BROWSER OLD FILE NEW
//
// BROWSER: the address that `chromium.mjs` writes.
// OLD, NEW: the announce URLs of the two frontends.
// Writes "seeding", waits for a line, and writes the SHA-256 of what arrived, in hex; waits for another
// line, closes the pages, and writes how many WebSockets of the seeder had closed before.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { pagesOf, website } from './pages.mjs'
import { webtorrentPage } from './webtorrent.mjs'

const [endpoint, old, file, replacement] = process.argv.slice(2)

const site = await website(webtorrentPage(), { '/content': await readFile(file) })
const pages = await pagesOf(endpoint)

let closed = 0
const seeder = await pages.open(site.url, 'seeder')
seeder.on('websocket', (socket) => socket.on('close', () => { closed += 1 }))
const infoHash = await seeder.evaluate(async (tracker) => {
  const content = new File([await (await fetch('/content')).blob()], 'content')
  return new Promise((resolve) => {
    window.client.seed(content, { announce: [tracker] }, (torrent) => {
      torrent.once('trackerAnnounce', () => resolve(torrent.infoHash))
    })
  })
}, old)
console.log('seeding')
await once(process.stdin, 'data')

const leecher = await pages.open(site.url, 'leecher')
const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(replacement)}`
console.log(await leecher.evaluate((magnet) => window.download(magnet), magnet))
await once(process.stdin, 'data')

console.log(closed)
await pages.close()
site.close()
process.stdin.destroy()
