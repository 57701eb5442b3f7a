// A Chromium page with WebTorrent seeds a file for another program.
// Usage: node webtorrent_seeder.mjs BROWSER URL FILE
//
// BROWSER: the address that `chromium.mjs` writes.
// Writes a line with the .torrent file in base64, seeds, and ends after the next line that it reads.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { pagesOf, website } from './pages.mjs'
import { webtorrentPage } from './webtorrent.mjs'

const [endpoint, tracker, file] = process.argv.slice(2)

const site = await website(webtorrentPage(), { '/content': await readFile(file) })
const pages = await pagesOf(endpoint)

const seeder = await pages.open(site.url, 'seeder')
const torrent = await seeder.evaluate(async ({ tracker, name }) => {
  const content = new File([await (await fetch('/content')).blob()], name)
  const bytes = await new Promise((resolve) => {
    window.client.seed(content, { announce: [tracker] }, ({ torrentFile }) => resolve(torrentFile))
  })
  return btoa(String.fromCharCode(...bytes))
}, { tracker, name: basename(file) })

console.log(torrent)
await once(process.stdin, 'data')
await pages.close()
site.close()
process.stdin.destroy()
