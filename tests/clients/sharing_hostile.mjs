// A torrent whose names and files are hostile is downloaded: nothing of it runs, and what is saved
// has harmless names.
// Usage: node sharing_hostile.mjs CHROMIUM SITE
//
// Writes what the page shows, the names in the archive, and what became of files that are documents.

import { readFile } from 'node:fs/promises'
import { browse, downloaded, moduleUrl, report, saved } from './sharing.mjs'

const [chromium, site] = process.argv.slice(2)
const PAGE = '<script>parent.pwned = top.pwned = true; fetch("/stats.json?pwned")</script>'
const FILES = [
  { path: ['..', '..', 'etc', 'passwd'], text: 'up' },
  { path: ['<img src=x onerror="pwned=1">.html'], text: PAGE },
  { path: ['picture.svg'], text: `<svg xmlns="http://www.w3.org/2000/svg">${PAGE}</svg>` },
  { path: ['invoice\u202Efdp.exe'], text: 'reversed' },
  { path: ['new\nline\u0000\u0007.txt'], text: 'control' },
  { path: ['CON.txt'], text: 'device' },
  { path: ['a:b*c?.txt'], text: 'windows' },
  { path: ['A:B*C?.txt'], text: 'the same on some systems' },
  { path: ['😀'.repeat(400) + '.txt'], text: 'long' },
  { path: ['C:\\Windows\\system32\\evil.dll'], text: 'backslash' },
  { path: ['not-a-movie.mp4'], text: PAGE }
]

const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver', { ignore: /DEMUXER|Failed to load resource.*mp4/ })

// As somebody would who writes the torrent by hand: with the modules of the page, and other names.
await sharer.page.goto(`${site}share`)
await sharer.page.locator('#choose-files').waitFor()
const infoHash = await sharer.page.evaluate(async ({ base, files }) => {
  const { Swarm } = await import(`${base}swarm.js`)
  const { DiskStore } = await import(`${base}disk_store.js`)
  const { bencode } = await import(`${base}torrent_file.js`)
  const content = new Blob(files.map(({ text }) => text))
  const bytes = new Uint8Array(await content.arrayBuffer())
  const pieces = new Uint8Array(await crypto.subtle.digest('SHA-1', bytes))
  const sizes = files.map(({ path, text }) => ({ length: new Blob([text]).size, path }))
  const info = { files: sizes, name: '../<b>\u202Ename</b>', 'piece length': 65536, pieces }
  const { websocket } = JSON.parse(document.getElementById('sharing').dataset.trackers)
  const store = new DiskStore(content, 65536, console.error)
  const swarm = new Swarm(bencode({ info }), websocket, { iceServers: [] }, {
    preloadedStore: store, skipVerify: true
  })
  await new Promise((resolve) => swarm.torrent.once('ready', resolve))
  return swarm.torrent.infoHash
}, { base: await moduleUrl(sharer.page, 'sharing/'), files: FILES })

const { page } = receiver
await page.goto(`${site}get#${infoHash}&dn=%3Cimg%20src=x%20onerror=alert(1)%3E%E2%80%AEgpj.exe`)
await page.waitForFunction(() => document.getElementById('name').textContent)
const named = await page.textContent('#name')
await downloaded(page)
const shown = await page.locator('#files .name').allTextContents()
const { path, name } = await saved(page)
const archive = (await readFile(path)).toString('base64')

// The URLs of single files: what a page of another site would have to guess.
const seen = []
page.on('request', (request) => {
  if (request.url().includes('/get/stream/')) seen.push(request.url())
})
for (let row = 0; row < FILES.length; row++) {
  await saved(page, `#files li:nth-child(${row + 1}) .actions button:last-child`)
}
const urls = [...seen]
const documents = []
for (const url of urls) {
  documents.push(await page.evaluate(async (url) => {
    const { headers, status } = await fetch(url)
    return { status, ...Object.fromEntries(headers) }
  }, url))
}
// A frame of this site, which needs no guess: all are downloads, not documents.
const framed = await page.evaluate(async (urls) => {
  for (const url of urls) {
    const frame = document.createElement('iframe')
    document.body.append(frame)
    frame.src = url
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return [...document.querySelectorAll('iframe')].map(({ contentDocument }) => contentDocument?.body.innerHTML ?? '')
}, urls)
// A player for something that is no movie.
await page.click('#files li:last-child .actions button:first-child')
await page.waitForFunction(() => document.getElementById('preview-problem').textContent)
report({
  named,
  title: await page.textContent('#name'),
  shown,
  saved: name,
  archive,
  documents,
  framed,
  asked: urls.length,
  problem: await page.textContent('#preview-problem'),
  images: await page.locator('main img').count(),
  pwned: await page.evaluate(() => window.pwned ?? null)
})
await Promise.all([sharer.close(), receiver.close()])
