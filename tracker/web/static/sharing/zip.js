// ZIP archives, stored without compression, with ZIP64 where sizes need it (APPNOTE.TXT 6.3, sections
// 4.3 to 4.5). The archive is a Blob of Blobs: their content is read when it is saved.

const LIMIT = 0xFFFFFFFF // what 32 bits cannot hold is written in 64 (section 4.4.1.4)
const MOST_ENTRIES = 0xFFFF
const UTF8 = 0x0800 // names are in UTF-8
const DATE = 0x21 // 1980-01-01: torrents tell no dates

/**
 * One file of an archive.
 *
 * @typedef {Object} Entry
 * @property {string} path safe and relative.
 * @property {number} crc CRC-32 of the content.
 * @property {Blob} content
 */

/** Write little-endian numbers: `[[size in bytes, value], …]`. */
function record (...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)))
  let at = 0
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true)
    else if (size === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += size
  }
  return new Uint8Array(view.buffer)
}

const lengthOf = (parts) => parts.reduce((sum, part) => sum + (part.size ?? part.length), 0)

function localHeader ({ crc, content: { size } }, name) {
  const wide = size >= LIMIT
  const extra = wide ? record([2, 1], [2, 16], [8, size], [8, size]) : new Uint8Array()
  const shown = wide ? LIMIT : size
  const header = record(
    [4, 0x04034b50], [2, wide ? 45 : 20], [2, UTF8], [2, 0], [2, 0], [2, DATE], [4, crc],
    [4, shown], [4, shown], [2, name.length], [2, extra.length]
  )
  return [header, name, extra]
}

function directoryEntry ({ crc, content: { size } }, name, offset) {
  const wide = size >= LIMIT || offset >= LIMIT
  const extra = wide
    ? record([2, 1], [2, 24], [8, size], [8, size], [8, offset])
    : new Uint8Array()
  const shown = wide ? LIMIT : size
  const header = record(
    [4, 0x02014b50], [2, wide ? 45 : 20], [2, wide ? 45 : 20], [2, UTF8], [2, 0], [2, 0], [2, DATE],
    [4, crc], [4, shown], [4, shown], [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0],
    [4, 0], [4, wide ? LIMIT : offset]
  )
  return [header, name, extra]
}

function ending (count, size, offset) {
  const parts = []
  if (count >= MOST_ENTRIES || size >= LIMIT || offset >= LIMIT) {
    parts.push(record(
      [4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0],
      [8, count], [8, count], [8, size], [8, offset]
    ), record([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]))
  }
  const entries = Math.min(count, MOST_ENTRIES)
  parts.push(record(
    [4, 0x06054b50], [2, 0], [2, 0], [2, entries], [2, entries],
    [4, Math.min(size, LIMIT)], [4, Math.min(offset, LIMIT)], [2, 0]
  ))
  return parts
}

/**
 * Return the archive of some entries.
 *
 * @param {Entry[]} entries
 * @returns {Blob}
 */
export function zip (entries) {
  const parts = []
  const directory = []
  let offset = 0
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.path)
    const header = localHeader(entry, name)
    directory.push(...directoryEntry(entry, name, offset))
    parts.push(...header, entry.content)
    offset += lengthOf(header) + entry.content.size
  }
  return new Blob([...parts, ...directory, ...ending(entries.length, lengthOf(directory), offset)])
}

/** Give entries with the same path different ones: `a.txt`, `a (2).txt`. */
export function distinct (entries) {
  const seen = new Map() // path in lower case -> number of its next copy: no search from the start
  return entries.map((entry) => {
    let { path } = entry
    const original = path.toLowerCase()
    let copy = seen.get(original) ?? 2
    while (seen.has(path.toLowerCase())) {
      path = entry.path.replace(/(\.[^./]*)?$/, (extension) => ` (${copy})${extension}`)
      copy++
    }
    seen.set(original, copy)
    if (path !== entry.path) seen.set(path.toLowerCase(), 2)
    return { ...entry, path }
  })
}
