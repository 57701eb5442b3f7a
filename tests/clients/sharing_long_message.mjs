// A peer announces a message of 2 GB to a page that shares a file.
// Usage: node sharing_long_message.mjs CHROMIUM SITE
//
// Writes whether the page disconnected it.

import { browse, moduleUrl, report, share } from './sharing.mjs'

const [chromium, site] = process.argv.slice(2)
const sharer = await browse(chromium, 'sharer')
const stranger = await browse(chromium, 'stranger')
const link = await share(sharer.page, site, { name: 'a.txt', mimeType: '', buffer: Buffer.from('content') })
await stranger.page.goto(`${site}share`)
await stranger.page.locator('#choose-files').waitFor()
const disconnected = await stranger.page.evaluate(async ({ base, infoHash }) => {
  const { Swarm } = await import(`${base}swarm.js`)
  const { MemoryStore } = await import(`${base}memory_store.js`)
  const { websocket } = JSON.parse(document.getElementById('sharing').dataset.trackers)
  const swarm = new Swarm(`magnet:?xt=urn:btih:${infoHash}`, websocket, { iceServers: [] }, {
    preloadedStore: new MemoryStore(), deselect: true
  })
  const wire = await new Promise((resolve) => swarm.torrent.once('wire', resolve))
  await new Promise((resolve) => swarm.torrent.once('ready', resolve))
  const closed = new Promise((resolve) => wire.once('close', () => resolve(true)))
  wire.push(new Uint8Array([0x7F, 0xFF, 0xFF, 0xFF, 20]))
  return Promise.race([closed, new Promise((resolve) => setTimeout(() => resolve(false), 10_000))])
}, { base: await moduleUrl(stranger.page, 'sharing/'), infoHash: link.split('#')[1].slice(0, 40) })
report({ disconnected })
await Promise.all([sharer.close(), stranger.close()])
