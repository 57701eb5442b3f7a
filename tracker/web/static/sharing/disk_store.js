// A chunk store over the files that are shared: it reads them from disk when a peer asks.

const CACHE_BYTES = 24 * 1024 * 1024 // a piece is asked for in 16 KiB blocks, one after the other

/** A store as WebTorrent expects one (abstract-chunk-store); read-only. */
export class DiskStore {
  #content
  #cache = new Map() // index -> promise of a piece; the least recently used one comes first
  #onError
  #reading = Promise.resolve() // one piece at a time: a peer may ask for a block of each at once

  /**
   * @param {Blob} content the files, one after the other: a Blob of Files reads nothing by itself.
   * @param {number} chunkLength the length of a piece.
   * @param {(error: DOMException) => void} onError called when a file cannot be read any more.
   */
  constructor (content, chunkLength, onError) {
    this.chunkLength = chunkLength
    this.#content = content
    this.#onError = onError
  }

  /** Read a part of a piece. */
  get (index, options, done) {
    if (typeof options === 'function') return this.get(index, null, options)
    this.#piece(index).then((piece) => {
      const offset = options?.offset ?? 0
      const end = offset + (options?.length ?? piece.length - offset)
      // A copy: a block that a peer does not take must not keep its whole piece in memory.
      done(null, end - offset < piece.length ? piece.slice(offset, end) : piece)
    }, (error) => {
      this.#onError(error)
      done(error)
    })
  }

  put (index, piece, done) {
    done(new Error('what is shared is read-only'))
  }

  close (done) {
    this.#cache.clear()
    done(null)
  }

  destroy (done) {
    this.close(done)
  }

  #piece (index) {
    const piece = this.#cache.get(index) ?? this.#read(index)
    this.#cache.delete(index)
    this.#cache.set(index, piece)
    const most = Math.max(2, Math.floor(CACHE_BYTES / this.chunkLength))
    while (this.#cache.size > most) this.#cache.delete(this.#cache.keys().next().value)
    return piece
  }

  async #read (index) {
    const start = index * this.chunkLength
    const piece = this.#content.slice(start, start + this.chunkLength)
    const bytes = this.#reading.then(() => piece.arrayBuffer())
    this.#reading = bytes.catch(() => {}) // the one who asked is told
    try {
      return new Uint8Array(await bytes)
    } catch (error) {
      this.#cache.delete(index)
      throw error
    }
  }
}
