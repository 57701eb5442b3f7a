// A chunk store in memory, where a browser has no private file system: pages over plain HTTP, and
// private windows of some browsers.

import { crc32 } from './crc32.js'

export const MOST_IN_MEMORY = 500 * 1000 * 1000 // bytes; more makes browsers end the page

/** A store as WebTorrent expects one (abstract-chunk-store). */
export class MemoryStore {
  chunkLength = 0
  #pieces = []

  put (index, piece, done) {
    this.#pieces[index] = piece
    queueMicrotask(() => done(null))
  }

  get (index, options, done) {
    if (typeof options === 'function') return this.get(index, null, options)
    const piece = this.#pieces[index]
    const offset = options?.offset ?? 0
    const end = offset + (options?.length ?? (piece?.length ?? 0) - offset)
    queueMicrotask(() => {
      if (piece) done(null, piece.subarray(offset, end))
      else done(new Error('not downloaded yet'))
    })
  }

  /** Return a part as a Blob. */
  async blob (start, end) {
    return new Blob([...this.#parts(start, end)])
  }

  /** Return the CRC-32 of a part. */
  async checksum (start, end) {
    let crc = 0
    for (const part of this.#parts(start, end)) crc = crc32(part, crc)
    return crc
  }

  * #parts (start, end) {
    for (let at = start; at < end;) {
      const index = Math.floor(at / this.chunkLength)
      const offset = at - index * this.chunkLength
      const part = this.#pieces[index].subarray(offset, offset + end - at)
      yield part
      at += part.length
    }
  }

  close (done) {
    this.#pieces = []
    queueMicrotask(() => done(null))
  }

  destroy (done) {
    this.close(done)
  }
}
