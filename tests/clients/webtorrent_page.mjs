// A Chromium page with WebTorrent downloads what another program seeds.
// Usage: node webtorrent_page.mjs BROWSER TORRENT
//
// BROWSER: the address that `chromium.mjs` writes.
// TORRENT: a .torrent file with its tracker and one file.
// Writes the SHA-256 of what arrived, in hex.

import { readFile } from 'node:fs/promises'
import { pagesOf, website } from './pages.mjs'
import { webtorrentPage } from './webtorrent.mjs'

const [endpoint, torrent] = process.argv.slice(2)

const site = await website(webtorrentPage(), { '/torrent': await readFile(torrent) })
const pages = await pagesOf(endpoint)

const leecher = await pages.open(site.url, 'leecher')
console.log(await leecher.evaluate(async () => {
  const torrent = await (await fetch('/torrent')).arrayBuffer()
  return window.download(new Uint8Array(torrent))
}))
await pages.close()
site.close()
