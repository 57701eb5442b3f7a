// A chunk store in the browser's private file system, and the list of what is kept there.

const ROOT = 'downloads'
const KEPT_DAYS = 7
const CLOSING_MS = 1000
const DAY_MS = 24 * 60 * 60 * 1000
const CACHE_BYTES = 8 * 1024 * 1024 // pieces that are read in blocks of 16 KiB by other peers
const MUCH_UNWRITTEN = 64 * 1024 * 1024 // bytes in memory because the disk is slow
const LITTLE_UNWRITTEN = 16 * 1024 * 1024

/** Whether this browser has a private file system that workers can write to. */
export function hasPrivateStorage () {
  return Boolean(navigator.storage?.getDirectory && navigator.locks && window.FileSystemFileHandle)
}

/** One download on disk: a chunk store as WebTorrent expects one (abstract-chunk-store). */
export class PrivateStore {
  chunkLength = 0
  #worker = new Worker(new URL('private_store_worker.js', import.meta.url), { type: 'module' })
  #calls = new Map()
  #next = 0
  #cached = new Map() // index -> promise of a piece; the least recently used one comes first
  #unwritten = 0 // bytes
  #pressed = false
  #onPressure
  #infoHash = ''

  /** @param {(pressed: boolean) => void} onPressure whether downloading must wait for the disk. */
  constructor (onPressure) {
    this.#onPressure = onPressure
    this.#worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.#calls.get(id)
      this.#calls.delete(id)
      if (error) reject(new DOMException(error.message, error.name))
      else resolve(result)
    }
    this.#worker.onerror = () => {
      const error = new DOMException('the worker does not run', 'NotSupportedError')
      for (const { reject } of this.#calls.values()) reject(error)
      this.#calls.clear()
    }
  }

  /**
   * Open or create the store of a download.
   *
   * @returns {Promise<Uint8Array|null>} its .torrent file; null: not known yet.
   * @throws {DOMException} `InUseError`: another tab has it.
   */
  async open (infoHash) {
    this.#infoHash = infoHash
    const torrent = await this.#call('open', [], infoHash)
    return torrent.length ? torrent : null
  }

  /** Say what is stored: its .torrent file, name and size. */
  describe (torrent, { name, size, pieceLength }) {
    this.chunkLength = pieceLength
    return this.#call('describe', [], torrent, { name, size, used: Date.now() })
  }

  put (index, piece, done) {
    this.#cached.delete(index)
    this.#press(piece.length)
    const { length } = piece
    // Handed over, not copied: WebTorrent does not read it again before it is written.
    this.#call('write', [piece.buffer], index * this.chunkLength, piece)
      .finally(() => this.#press(-length))
      .then(() => done(null), done)
  }

  get (index, options, done) {
    if (typeof options === 'function') return this.get(index, null, options)
    const offset = options?.offset ?? 0
    const length = options?.length ?? this.chunkLength - offset
    this.#piece(index).then((piece) => {
      if (offset + length > piece.length && options?.length) throw new Error('not written yet')
      // A copy: a block that a peer does not take must not keep its whole piece in memory.
      done(null, offset || length < piece.length ? piece.slice(offset, offset + length) : piece)
    }).catch(done)
  }

  /** Have everything on disk. */
  flush () {
    return this.#call('flush')
  }

  /** Return a part of what is stored as a Blob, which reads from disk when it is read itself. */
  async blob (start, end) {
    await this.flush()
    const folder = await (await downloads()).getDirectoryHandle(this.#infoHash)
    const file = await (await folder.getFileHandle('data')).getFile()
    return file.slice(start, end)
  }

  /** Return the CRC-32 of a part. */
  checksum (start, end) {
    return this.#call('checksum', [], start, end)
  }

  close (done) {
    this.#call('close').then(() => {
      this.#worker.terminate()
      done(null)
    }, done)
  }

  destroy (done) {
    this.close(done)
  }

  #press (bytes) {
    this.#unwritten += bytes
    const pressed = this.#unwritten > (this.#pressed ? LITTLE_UNWRITTEN : MUCH_UNWRITTEN)
    if (pressed === this.#pressed) return
    this.#pressed = pressed
    this.#onPressure(pressed)
  }

  #piece (index) {
    const piece = this.#cached.get(index) ??
      this.#call('read', [], index * this.chunkLength, this.chunkLength)
    this.#cached.delete(index)
    this.#cached.set(index, piece)
    const most = Math.max(2, Math.floor(CACHE_BYTES / this.chunkLength))
    while (this.#cached.size > most) this.#cached.delete(this.#cached.keys().next().value)
    return piece
  }

  #call (call, handedOver = [], ...given) {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject })
      this.#worker.postMessage({ id, call, arguments: given }, handedOver)
    })
  }
}

/** Return how many bytes this browser would store for us yet; null: it does not tell. */
export async function freeSpace () {
  const { quota, usage } = await navigator.storage?.estimate?.() ?? {}
  return quota === undefined ? null : Math.max(0, quota - usage)
}

async function downloads () {
  const root = await navigator.storage.getDirectory()
  return root.getDirectoryHandle(ROOT, { create: true })
}

/** Run `act` unless a tab has the download open; returns whether it ran. */
async function unlessOpen (infoHash, act) {
  // A tab that closes a download lets it go a moment later.
  const signal = AbortSignal.timeout(CLOSING_MS)
  try {
    await navigator.locks.request(`download ${infoHash}`, { signal }, act)
    return true
  } catch (error) {
    if (error.name !== 'TimeoutError' && error.name !== 'AbortError') throw error
    return false
  }
}

/** Return the downloads that are kept: `{infoHash, name, size, used}`, the newest first. */
export async function kept () {
  if (!hasPrivateStorage()) return []
  const found = []
  for await (const [infoHash, folder] of (await downloads()).entries()) {
    const facts = await factsOf(folder)
    found.push({ infoHash, ...facts })
  }
  return found.sort((a, b) => b.used - a.used)
}

async function factsOf (folder) {
  try {
    const file = await (await folder.getFileHandle('facts.json')).getFile()
    const { name, size, used } = JSON.parse(await file.text())
    return { name: String(name), size: Number(size), used: Number(used) }
  } catch { // its metadata never arrived
    return { name: '', size: 0, used: 0 }
  }
}

/** Delete a download; returns whether it could be: no other tab has it open. */
export function remove (infoHash) {
  return unlessOpen(infoHash, async () => {
    await (await downloads()).removeEntry(infoHash, { recursive: true })
  })
}

/** Delete what was not opened for a week. */
export async function removeOld () {
  for (const { infoHash, used } of await kept()) {
    if (Date.now() - used > KEPT_DAYS * DAY_MS) await remove(infoHash)
  }
}
