// Six Chromium pages in three swarms, while the frontend of some of them is being replaced. Pages on
// both frontends exchange files. Usage: node rolling_pages.mjs BROWSER OLD NEW FILE FILE FILE
//
// BROWSER: the address that `chromium.mjs` writes.
// OLD, NEW: the announce URLs of the two frontends.
// Writes "ready", waits for a line, and writes what each page downloaded, as JSON: by its name, the
// SHA-256 in hex. Waits for another line, closes the pages, and writes how many WebSockets of the
// pages on the old frontend had closed before.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { pagesOf, website } from './pages.mjs'
import { webtorrentPage } from './webtorrent.mjs'

const [endpoint, OLD, NEW, ...files] = process.argv.slice(2)

const contents = await Promise.all(files.map((file) => readFile(file)))
const site = await website(
  webtorrentPage(), Object.fromEntries(contents.map((content, at) => [`/${at}`, content]))
)
const pages = await pagesOf(endpoint)
let closed = 0

async function openOld (name) {
  const page = await pages.open(site.url, name)
  page.on('websocket', (socket) => socket.on('close', () => { closed += 1 }))
  return page
}

/** Seed a file; returns its info_hash after an announce, or at once if there is no tracker. */
function seed (page, at, tracker) {
  return page.evaluate(async ([at, announce]) => {
    const content = new File([await (await fetch(`/${at}`)).blob()], `content ${at}`)
    return new Promise((resolve) => {
      window.client.seed(content, { announce }, (torrent) => {
        if (announce.length === 0) resolve(torrent.infoHash)
        else torrent.once('trackerAnnounce', () => resolve(torrent.infoHash))
      })
    })
  }, [at, tracker ? [tracker] : []])
}

function download (page, infoHash, tracker) {
  const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(tracker)}`
  return page.evaluate((magnet) => window.download(magnet), magnet)
}

/** The info_hash of a file that no page seeds yet. */
async function infoHashOf (at) {
  const page = await pages.open(site.url, 'offline')
  const infoHash = await seed(page, at)
  await page.close()
  return infoHash
}

const seeder = await openOld('seeder')
const first = await seed(seeder, 0, OLD)
const second = await seed(seeder, 1, OLD)
const third = await infoHashOf(2)
const early = await openOld('early')
const downloads = { early: await download(early, first, OLD) }
const patient = await openOld('patient')
const announced = patient.waitForEvent('websocket')
const waiting = download(patient, third, OLD)
await (await announced).waitForEvent('framereceived')
console.log('ready')
await once(process.stdin, 'data')

// The old frontend is out of the load balancer. Pages that open now are at the new one.
const late = await pages.open(site.url, 'late')
const later = await pages.open(site.url, 'later')
const last = await pages.open(site.url, 'last')
await seed(last, 2, NEW) // for a page on the old frontend
const results = { late: download(late, first, NEW), later: download(later, second, NEW) }
results.last = download(last, first, NEW)
results.patient = waiting
for (const [name, result] of Object.entries(results)) downloads[name] = await result
console.log(JSON.stringify(downloads))
await once(process.stdin, 'data')

console.log(closed)
await pages.close()
site.close()
process.stdin.destroy()
