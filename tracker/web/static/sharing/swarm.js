// One torrent in WebTorrent, and what a page must know about its connections to explain them.

import './polyfills.js'
import WebTorrent from '../vendor/webtorrent.min.js'

const RECONNECT_S = [2, 5, 10, 20, 40] // then the last one again and again
const UNKNOWN_LEFT = 16_384 // bytes that a leecher announces before it knows the size
const HELD_RATE = 16_384 // bytes a second: connections stay in use
const LONGEST_MESSAGE = 1024 * 1024 // bytes; blocks, bitfields and parts of metadata are shorter
// Warnings of the library that are not the tracker's words.
const OWN_WARNINGS = /^(Connection error|Error connecting|Piece \d|Unsupported tracker|Invalid)/

/** A torrent and its connections; `failure` is dispatched when it cannot go on. */
export class Swarm extends EventTarget {
  tracker = 'connecting' // connecting, up or down
  refusal = '' // why the tracker rejects announces, in its own words
  seeders = null // by the last announce; null: unknown
  leechers = null
  attempts = 0 // peers that the tracker introduced
  failures = 0 // of those, the ones that no connection reached
  error = null

  #client
  #reconnections = 0
  #reconnectAt = null // milliseconds, as of performance.now()

  /**
   * @param {string|Uint8Array} id a magnet link or a .torrent file, without trackers.
   * @param {string[]} announce the WebSocket announce URLs.
   * @param {RTCConfiguration} rtcConfig
   * @param {Object} options further ones of WebTorrent's `add`.
   */
  constructor (id, announce, rtcConfig, options = {}) {
    super()
    this.#client = new WebTorrent({
      tracker: { rtcConfig }, dht: false, lsd: false, utPex: false, webSeeds: false
    })
    this.#client.on('error', (error) => this.#fail(error))
    this.torrent = this.#client.add(id, {
      ...options,
      announce,
      storeCacheSlots: 0, // a store caches by itself what is worth it
      getAnnounceOpts: () => ({ left: this.#left() })
    })
    this.torrent.on('error', (error) => this.#fail(error))
    this.torrent.on('warning', ({ message }) => {
      if (!OWN_WARNINGS.test(message)) this.refusal = message
    })
    this.torrent.on('wire', boundMessages)
    this.torrent.on('peer', (peer) => this.#count(peer))
    // It announces at once for a link, and after it has checked what it has for a .torrent file.
    this.torrent.on('infoHash', () => setTimeout(() => this.#watchedTracker()))
    this.torrent.on('ready', () => this.#watchedTracker())
    window.addEventListener('online', () => { this.#reconnectAt = 0 })
  }

  /** Leave the swarm, and close the store. */
  close () {
    return new Promise((resolve) => this.#client.destroy(resolve))
  }

  /** Have downloads wait, or go on. */
  holdDownloads (held) {
    this.#client.throttleDownload(held ? HELD_RATE : -1)
  }

  /** Bring the facts up to date; call it about once a second. */
  check () {
    const client = this.#watchedTracker()
    if (!client) return
    const sockets = client._trackers
    if (sockets.some(({ socket }) => socket?.connected)) {
      this.tracker = 'up'
      this.#reconnections = 0
      this.#reconnectAt = null
    } else if (sockets.every(({ destroyed }) => destroyed)) {
      this.tracker = 'down'
      this.#reconnect(sockets)
    }
  }

  /** Return the tracker's client once it exists; it is watched from its first response on. */
  #watchedTracker () {
    const client = this.torrent.discovery?.tracker
    if (client && !client.watched) {
      client.watched = true
      client.on('update', ({ complete, incomplete }) => {
        this.seeders = complete
        this.leechers = incomplete
        this.refusal = ''
      })
    }
    return client
  }

  /** Connect again before the library does, which waits for up to five minutes. */
  #reconnect (sockets) {
    const now = performance.now()
    if (this.#reconnectAt === null) {
      const wait = RECONNECT_S[Math.min(this.#reconnections, RECONNECT_S.length - 1)]
      this.#reconnections++
      // The spread keeps the pages of a frontend that stopped from returning all at once.
      this.#reconnectAt = now + wait * 1000 * (1 + Math.random())
    } else if (now >= this.#reconnectAt) {
      this.#reconnectAt = null
      for (const socket of sockets) {
        clearTimeout(socket.reconnectTimer)
        socket._openSocket()
      }
    }
  }

  #left () {
    const { torrent } = this
    return torrent.metadata ? Math.max(0, torrent.length - torrent.downloaded) : UNKNOWN_LEFT
  }

  #fail (error) {
    this.error = error
    this.dispatchEvent(new Event('failure'))
  }

  #count (peer) {
    if (typeof peer === 'string') return // an address; browsers cannot connect to those
    this.attempts++
    let pending = true
    const settle = (failures) => {
      if (pending) this.failures += failures
      pending = false
    }
    peer.once('connect', () => settle(0))
    peer.once('error', () => settle(1))
    peer.once('close', () => settle(1))
  }
}

/** The library would wait for up to 2 GB, and copy all that it has of it whenever more arrives. */
function boundMessages (wire) {
  const parse = wire._parse
  wire._parse = (size, parser) => {
    if (size > LONGEST_MESSAGE) wire.destroy()
    parse.call(wire, size > LONGEST_MESSAGE ? Infinity : size, parser)
  }
}
