// Two clients of the npm package `bittorrent-tracker` pass through a swarm's life, over whichever
// protocol the tracker's URL names. Usage: node npm_client.mjs URL INFO_HASH
//
// Writes one JSON line a step: {"step": …, "counts": [seeders, leechers(, completed)], "peers": […]}
// A warning or an error of a client ends it with code 1.

import { once } from 'node:events'
import { register } from 'node:module'

register('./without_webrtc.mjs', import.meta.url)
const { default: Client } = await import('bittorrent-tracker/client')

const [url, infoHash] = process.argv.slice(2)
const overWebSocket = url.startsWith('ws')

function join (name, port) {
  const client = new Client({
    infoHash,
    peerId: Buffer.from(`-NP0001-${name}`.padEnd(20, '0')),
    port,
    // Clients share a socket to equal URLs; ours shall have one each.
    announce: overWebSocket ? `${url}?${name}` : url,
    wrtc: {} // any value: without one there are no WebSocket trackers at all
  })
  const fail = (error) => {
    console.error(`${name}: ${error.message}`)
    process.exit(1)
  }
  client.on('warning', fail).on('error', fail)

  async function announce (event, left) {
    const peers = []
    const collect = (peer) => peers.push(peer)
    client.on('peer', collect)
    const replied = once(client, 'update')
    client[event](overWebSocket ? { left, numwant: 0 } : { left }) // no WebRTC, so no offers
    const [{ complete, incomplete }] = await replied // its peers were emitted with it
    client.off('peer', collect)
    say(`${name} ${event}`, [complete, incomplete], peers)
  }

  async function scrape () {
    const replied = once(client, 'scrape')
    client.scrape()
    const [{ complete, incomplete, downloaded }] = await replied
    say('scrape', [complete, incomplete, downloaded], [])
  }

  return { announce, scrape, leave: () => client.destroy() }
}

function say (step, counts, peers) {
  console.log(JSON.stringify({ step, counts, peers }))
}

const seeder = join('seeder', 1001)
const leecher = join('leecher', 1002)

await seeder.announce('start', 0)
await leecher.announce('start', 5)
await leecher.scrape()
await seeder.announce('update', 0)
await leecher.announce('update', 3)
await leecher.announce('complete', 0)
await leecher.announce('complete', 0)
await leecher.scrape()
await seeder.announce('stop', 0)
await leecher.announce('stop', 0)
await leecher.scrape()

seeder.leave()
leecher.leave()
