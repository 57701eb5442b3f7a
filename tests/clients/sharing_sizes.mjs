// Torrents that are larger than they look: what /get does with their descriptions.
// Usage: node sharing_sizes.mjs CHROMIUM SITE
//
// Writes what the page says for each, and whether it began to download by itself.

import { browse, moduleUrl, report } from './sharing.mjs'

const [chromium, site] = process.argv.slice(2)
const GB = 1000 ** 3
const MIB = 1024 * 1024
const TORRENTS = {
  small: { length: 3 * GB, piece: MIB },
  large: { length: 5 * GB, piece: 4 * MIB },
  huge: { length: 900 * GB, piece: 64 * MIB },
  'large pieces': { length: 3 * GB, piece: 128 * MIB }
}

const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver')
await sharer.page.goto(`${site}share`)
await sharer.page.locator('#choose-files').waitFor()
const base = await moduleUrl(sharer.page, 'sharing/')

/** Offer a torrent that promises content which does not exist; returns its info_hash. */
function promise (name, { length, piece }) {
  return sharer.page.evaluate(async ({ base, name, length, piece }) => {
    const { Swarm } = await import(`${base}swarm.js`)
    const { DiskStore } = await import(`${base}disk_store.js`)
    const { bencode } = await import(`${base}torrent_file.js`)
    const pieces = crypto.getRandomValues(new Uint8Array(20)).toHex().repeat(Math.ceil(length / piece))
    const info = { length, name, 'piece length': piece, pieces: Uint8Array.fromHex(pieces) }
    const { websocket } = JSON.parse(document.getElementById('sharing').dataset.trackers)
    const store = new DiskStore(new Blob([]), piece, () => {})
    const swarm = new Swarm(bencode({ info }), websocket, { iceServers: [] }, {
      preloadedStore: store, skipVerify: true
    })
    await new Promise((resolve) => swarm.torrent.once('ready', resolve))
    return swarm.torrent.infoHash
  }, { base, name, length, piece })
}

const said = {}
for (const [name, torrent] of Object.entries(TORRENTS)) {
  const infoHash = await promise(name, torrent)
  await receiver.page.goto('about:blank')
  await receiver.page.goto(`${site}get#${infoHash}`)
  await receiver.page.waitForFunction(() => (
    document.getElementById('problem').textContent || !document.getElementById('ask').hidden ||
    document.getElementById('status').textContent === 'Downloading'
  ))
  said[name] = await receiver.page.locator('#download').innerText()
}
report({ said })
await Promise.all([sharer.close(), receiver.close()])
