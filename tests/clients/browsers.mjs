// Two Chromium pages with WebTorrent: one seeds a file, the other downloads it over WebRTC. They
// are told nothing but the info_hash and the tracker, the other one perhaps another of its addresses.
// Usage: node browsers.mjs CHROMIUM URL FILE [URL [LEFT]]
//
// LEFT: what both announce as left, whatever they have; as programs do that only need to meet.
// Writes the SHA-256 of what arrived, in hex.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { chromium } from 'playwright-core'

const [executablePath, tracker, file, other = tracker, left] = process.argv.slice(2)
const announced = left === undefined ? '' : `, getAnnounceOpts: () => ({ left: ${left} })`

const PAGE = `<!doctype html><script type="module">
  import WebTorrent from '/webtorrent.min.js'
  // No STUN server: the addresses of this machine are enough.
  window.client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] }${announced} } })
</script>`
const BUNDLE = new URL('node_modules/webtorrent/dist/webtorrent.min.js', import.meta.url)
const FILES = {
  '/': ['text/html', PAGE],
  '/webtorrent.min.js': ['text/javascript', await readFile(BUNDLE)],
  '/content': ['application/octet-stream', await readFile(file)]
}
const FLAGS = [
  '--allow-loopback-in-peer-connection',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run'
]

const server = createServer((request, response) => {
  const [type, body] = FILES[request.url] ?? [null, '']
  response.writeHead(type ? 200 : 404, type ? { 'content-type': type } : {}).end(body)
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const site = `http://127.0.0.1:${server.address().port}/`

const browser = await chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false })

// Only who may record sees all addresses of this machine, which may have no other than loopback.
const context = await browser.newContext({ permissions: ['microphone'] })

async function open (name) {
  const page = await context.newPage()
  page.on('console', (message) => console.error(`${name}: ${message.text()}`))
  page.on('pageerror', (error) => console.error(`${name}: ${error}`))
  await page.goto(site)
  await page.waitForFunction(() => window.client)
  return page
}

const seeder = await open('seeder')
const infoHash = await seeder.evaluate(async (tracker) => {
  const content = new File([await (await fetch('/content')).blob()], 'content')
  return new Promise((resolve) => {
    window.client.seed(content, { announce: [tracker] }, (torrent) => resolve(torrent.infoHash))
  })
}, tracker)

const leecher = await open('leecher')
const digest = await leecher.evaluate(async ({ infoHash, tracker }) => {
  const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(tracker)}`
  const torrent = window.client.add(magnet)
  await new Promise((resolve, reject) => torrent.on('done', resolve).on('error', reject))
  const content = await torrent.files[0].arrayBuffer()
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}, { infoHash, tracker: other })

console.log(digest)
await browser.close()
server.close()
