// One download: its store, its swarm, and what it gives to the page.

import { hasPrivateStorage, freeSpace, PrivateStore } from './private_store.js'
import { MemoryStore, MOST_IN_MEMORY } from './memory_store.js'
import { Swarm } from './swarm.js'

const LARGEST_PIECE = 64 * 1024 * 1024 // bytes; one is held in memory while it arrives
const MOST_FILES = 100_000
const ASK_FROM = 4 * 1000 ** 3 // bytes; a larger download starts when the visitor agrees

/** A reason why a download cannot go on, for the visitor. */
export class Hopeless extends Error {}

/** Open what an earlier visit left; returns the store and the .torrent file, null if unknown. */
async function openStore (infoHash, onPressure) {
  if (!hasPrivateStorage()) return { store: new MemoryStore(), torrent: null }
  const store = new PrivateStore(onPressure)
  try {
    return { store, torrent: await store.open(infoHash) }
  } catch (error) {
    if (error.name === 'InUseError') throw error
    console.info('no private file system:', error.message) // private windows of some browsers
    return { store: new MemoryStore(), torrent: null }
  }
}

/**
 * Join the swarm of a download.
 *
 * @param {{infoHash: string}} link
 * @param {string[]} announce
 * @param {RTCConfiguration} rtcConfig
 * @returns {Promise<{swarm: Swarm, store: PrivateStore|MemoryStore}>}
 * @throws {DOMException} `InUseError`: another tab downloads it.
 */
export async function join ({ infoHash }, announce, rtcConfig) {
  const pressure = { swarm: null }
  const opened = await openStore(infoHash, (held) => pressure.swarm?.holdDownloads(held))
  const { store, torrent } = opened
  const id = torrent ?? `magnet:?xt=urn:btih:${infoHash}`
  // Nothing is selected at first: the visitor may have to agree, and pieces are checked before.
  const swarm = new Swarm(id, announce, rtcConfig, { preloadedStore: store, deselect: true })
  pressure.swarm = swarm
  return { swarm, store }
}

/** Take up the metadata, which strangers wrote; throws `Hopeless`. */
export function accept (torrent, store) {
  const { pieceLength, length, files } = torrent
  const sizes = files.map((file) => file.length)
  const sane = Number.isSafeInteger(pieceLength) && pieceLength > 0 &&
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    length === sizes.reduce((sum, size) => sum + size, 0) &&
    torrent.pieces.length === Math.ceil(length / pieceLength)
  if (!sane) throw new Hopeless('The description of these files is broken.')
  if (pieceLength > LARGEST_PIECE || files.length > MOST_FILES) {
    throw new Hopeless('These files were prepared in a way that a browser cannot handle. Open the magnet link in a BitTorrent program.')
  }
  store.chunkLength = torrent.store.chunkLength = pieceLength // both were made before it was known
  return store.describe?.(torrentFile(torrent), { name: torrent.name, size: length, pieceLength })
}

/** The info dictionary alone: without trackers, so that a later visit uses those of its page. */
function torrentFile ({ infoBuffer }) {
  const [start, end] = ['d4:info', 'e'].map((text) => new TextEncoder().encode(text))
  const bytes = new Uint8Array(start.length + infoBuffer.length + end.length)
  bytes.set(start)
  bytes.set(infoBuffer, start.length)
  bytes.set(end, start.length + infoBuffer.length)
  return bytes
}

/**
 * Return whether a download may start at once, has to be agreed to, or does not fit.
 *
 * @returns {Promise<{start: boolean, free: number|null}>}
 * @throws {Hopeless} it does not fit.
 */
export async function admission (torrent, store) {
  const missing = torrent.length - torrent.downloaded
  if (store instanceof MemoryStore) {
    if (torrent.length > MOST_IN_MEMORY) throw new Hopeless(window.isSecureContext ? NO_FILE_SYSTEM : INSECURE)
    return { start: true, free: null }
  }
  const free = await freeSpace()
  if (free !== null && missing > free) throw new NoSpace(missing, free)
  return { start: missing < ASK_FROM, free }
}

/** The browser's storage has no place for a download. */
export class NoSpace extends Hopeless {
  constructor (missing, free) {
    super('There is not enough space for this download.')
    this.missing = missing
    this.free = free
  }
}

const INSECURE = 'This page was opened over plain HTTP, where browsers offer no storage: only downloads up to 500 MB work. Open it over HTTPS, or open the magnet link in a BitTorrent program.'
const NO_FILE_SYSTEM = 'This browser offers no storage to this page, as in a private window: only downloads up to 500 MB work. Use a normal window, or another browser.'

/**
 * Read a part of a file, as its pieces arrive.
 *
 * @param {Object} file of WebTorrent.
 * @param {number} start the first byte.
 * @param {number} end the byte after the last one.
 */
export async function * readFile (file, start, end) {
  let left = end - start
  if (left === 0) return
  for await (const chunk of file[Symbol.asyncIterator]({ start, end: end - 1 })) {
    const wanted = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= wanted.length
    // A copy of its own: what is sent to the service worker must not carry the whole piece along.
    yield wanted.byteLength === wanted.buffer.byteLength ? wanted : wanted.slice()
    if (left === 0) return
  }
  throw new Error('A part of the file could not be read.')
}
