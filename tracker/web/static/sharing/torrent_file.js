// .torrent files of version 1 (BEP 3), made from files that the visitor chose.

const SMALLEST_PIECE = 64 * 1024 // bytes
const USUAL_PIECE = 4 * 1024 * 1024
const LARGEST_PIECE = 32 * 1024 * 1024
const MANY_PIECES = 1500 // 30 kB of hashes: known at once to people who open the link
const MOST_PIECES = 40_000 // 800 kB of hashes

/** Return the length of pieces: a power of two that keeps the .torrent file below 1 MB. */
export function pieceLength (total) {
  let length = SMALLEST_PIECE
  while (length < USUAL_PIECE && total / length > MANY_PIECES) length *= 2
  while (length < LARGEST_PIECE && total / length > MOST_PIECES) length *= 2
  return length
}

const encoder = new TextEncoder()

function * parts (value) {
  if (value instanceof Uint8Array) {
    yield encoder.encode(`${value.length}:`)
    yield value
  } else if (typeof value === 'string') {
    yield * parts(encoder.encode(value))
  } else if (typeof value === 'number') {
    yield encoder.encode(`i${value}e`)
  } else if (Array.isArray(value)) {
    yield encoder.encode('l')
    for (const item of value) yield * parts(item)
    yield encoder.encode('e')
  } else {
    yield encoder.encode('d')
    for (const key of Object.keys(value).sort()) { // all are ASCII: the order is that of bytes
      yield * parts(key)
      yield * parts(value[key])
    }
    yield encoder.encode('e')
  }
}

/** Encode a value of numbers, strings, bytes, arrays and objects (BEP 3, bencoding). */
export function bencode (value) {
  const all = [...parts(value)]
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of all) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/**
 * Return the `info` dictionary. The same files under the same names give the same one, so that a
 * link works again when its files are chosen again.
 *
 * @param {string} name of the file, or of the folder.
 * @param {{path: string[], size: number}[]} files `path` is relative to the folder; empty for a
 *   file on its own.
 * @param {number} length of a piece.
 * @param {Uint8Array} pieces their SHA-1 hashes.
 */
export function infoOf (name, files, length, pieces) {
  const info = { name, 'piece length': length, pieces }
  if (files.length === 1 && files[0].path.length === 0) return { ...info, length: files[0].size }
  return { ...info, files: files.map(({ path, size }) => ({ length: size, path })) }
}

/** Return a magnet link (BEP 9). */
export function magnetLink (infoHash, name, trackers) {
  const announced = trackers.map((url) => `&tr=${encodeURIComponent(url)}`).join('')
  return `magnet:?xt=urn:btih:${infoHash}&dn=${encodeURIComponent(name)}${announced}`
}
