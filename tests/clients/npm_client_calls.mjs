// The calls and options of the npm package `bittorrent-tracker` that its own tests look at, over
// whichever protocol the tracker's URL names.
// Usage: node npm_client_calls.mjs URL INFO_HASH OTHER_INFO_HASH DENIED_INFO_HASH
//
// OTHER_INFO_HASH: a swarm without peers.
// DENIED_INFO_HASH: a torrent that the tracker refuses.
// Writes one line of JSON for each call: {"call": …, "result": …}. Counts are [seeders, leechers],
// and in a scrape [seeders, leechers, completed].

import { once } from 'node:events'
import { register } from 'node:module'

register('./without_webrtc.mjs', import.meta.url)
const { default: Client } = await import('bittorrent-tracker/client')

const [announce, infoHash, otherHash, deniedHash] = process.argv.slice(2)
const wrtc = {} // any value: without one there are no WebSocket trackers at all
const overWebSocket = announce.startsWith('ws')
const alive = setInterval(() => {}, 1000) // the clients' own timers do not keep Node running

function join (name, given = {}, options = {}) {
  const peerId = Buffer.from(`-NP0001-${name}`.padEnd(20, '0'))
  const port = 1000 + name.length
  const getAnnounceOpts = () => ({ ...given, ...(overWebSocket ? { numwant: 0 } : {}) }) // no offers
  const client = new Client({ infoHash, peerId, port, announce, wrtc, getAnnounceOpts, ...options })
  const report = (error) => fail(name, error)
  return client.on('warning', report).on('error', report)
}

function fail (name, error) {
  console.error(`${name}: ${error.message}`)
  process.exit(1)
}

async function counts (client) {
  const [{ announce: url, complete, incomplete }] = await once(client, 'update')
  if (!url.startsWith(announce)) throw new Error(`an update from ${url}`)
  return [complete, incomplete]
}

function say (call, result) {
  console.log(JSON.stringify({ call, result }))
}

const one = join('a')
one.start({ left: 5 })
say('start', await counts(one))

one.setInterval(50) // milliseconds
say('an announce that the interval brings', await counts(one))
one.setInterval(0)

// Clients share a socket to equal URLs, and one socket is one peer of a swarm.
const two = join('aa', { left: 0, unknown: 'ignored' }, { announce: `${announce}?aa` })
two.start()
say('start with getAnnounceOpts', await counts(two))

if (!overWebSocket) {
  const three = join('aaa')
  const peers = []
  three.on('peer', (peer) => peers.push(peer))
  three.start({ numwant: 1, left: 5 })
  await counts(three)
  say('peers with numwant 1', peers.length)
  three.stop({ left: 5 })
  await counts(three)
  three.destroy()
}

const scraped = await new Promise((resolve, reject) => {
  const hashes = [infoHash, otherHash]
  // Over UDP, the client sends the hashes of a list as they are given, and else reads them as hex.
  const raw = announce.startsWith('udp')
  const asked = raw ? hashes.map((hash) => Buffer.from(hash, 'hex')) : hashes
  Client.scrape({ announce, infoHash: asked, wrtc }, (error, results) => {
    return error ? reject(error) : resolve(hashes.map((hash) => results[hash]))
  })
})
say('scrape of two swarms', scraped.map((s) => [s.complete, s.incomplete, s.downloaded]))

two.stop()
say('stop', await counts(two))
two.destroy()

const other = join('aaaa', { left: 0 }, { infoHash: otherHash })
other.start()
say('start in another swarm', await counts(other))
other.destroy()
one.update({ left: 3 })
say('update after a client of the same socket was destroyed', await counts(one))

const denied = new Client({ infoHash: deniedHash, peerId: 'd'.repeat(40), port: 1, announce, wrtc })
denied.on('update', () => fail('denied', new Error('the announce was accepted')))
denied.start({ numwant: 0, left: 5 })
const [{ message }] = await once(denied, 'warning')
say('warning of a torrent that is refused', message)

one.stop({ left: 3 })
say('stop of the last one', await counts(one))
await Promise.all([one, denied].map((client) => new Promise((resolve) => client.destroy(resolve))))
clearInterval(alive)
