// Keeps one download in the browser's private file system (OPFS): reads and writes at any position,
// which browsers allow in workers alone.
// In: {id, call, arguments}. Out: {id, result} or {id, error}.

import { crc32 } from './crc32.js'

const CHUNK = 1024 * 1024 // bytes that are read at once
const ROOT = 'downloads'
const TAKEOVER_MS = 5_000 // a page that was just reloaded still holds its file for a moment
const RETRY_MS = 100

let folder, data

async function lock (name) {
  const signal = AbortSignal.timeout(TAKEOVER_MS)
  await new Promise((resolve, reject) => {
    navigator.locks.request(name, { signal }, () => {
      resolve()
      return new Promise(() => {}) // held as long as this worker lives
    }).catch(() => reject(new DOMException('another tab has it', 'InUseError')))
  })
}

/** Open a file for this worker alone; the tab before this one may be closing it just now. */
async function openFile (name, patience = TAKEOVER_MS) {
  const handle = await folder.getFileHandle(name, { create: true })
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      return await handle.createSyncAccessHandle()
    } catch (error) {
      if (waited >= patience) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

async function readWhole (name) {
  const file = await openFile(name)
  const bytes = new Uint8Array(file.getSize())
  file.read(bytes, { at: 0 })
  file.close()
  return bytes
}

async function writeWhole (name, bytes) {
  const file = await openFile(name)
  file.truncate(0)
  if (file.write(bytes, { at: 0 }) !== bytes.length) throw full()
  file.flush()
  file.close()
}

const full = () => new DOMException('no space is left', 'QuotaExceededError')

const calls = {
  /** Open or create a download; returns its .torrent file, which is empty for a new one. */
  async open (infoHash) {
    await lock(`download ${infoHash}`)
    const root = await navigator.storage.getDirectory()
    const downloads = await root.getDirectoryHandle(ROOT, { create: true })
    folder = await downloads.getDirectoryHandle(infoHash, { create: true })
    data = await openFile('data')
    return readWhole('torrent')
  },

  /** Keep the .torrent file, and what a list of downloads shows. */
  async describe (torrent, facts) {
    await writeWhole('torrent', torrent)
    await writeWhole('facts.json', new TextEncoder().encode(JSON.stringify(facts)))
  },

  /** Write a piece, and hand it back. */
  write (at, bytes) {
    if (data.write(bytes, { at }) !== bytes.length) throw full()
    return bytes // to where garbage is collected often: in a worker that allocates little, it stays
  },

  /** Read some bytes; fewer are returned at the end of what was written. */
  read (at, length) {
    const bytes = new Uint8Array(length)
    const size = data.read(bytes, { at })
    return size === length ? bytes : bytes.slice(0, size)
  },

  /** Return the CRC-32 of a part. */
  checksum (start, end) {
    const buffer = new Uint8Array(CHUNK)
    let crc = 0
    for (let at = start; at < end; at += CHUNK) {
      const chunk = buffer.subarray(0, Math.min(CHUNK, end - at))
      if (data.read(chunk, { at }) !== chunk.length) throw new Error('a part is missing')
      crc = crc32(chunk, crc)
    }
    return crc
  },

  /** Have everything on disk. */
  flush () {
    data.flush()
  },

  close () {
    data.flush()
    data.close()
  }
}

onmessage = async ({ data: { id, call, arguments: given } }) => {
  try {
    const result = await calls[call](...given)
    postMessage({ id, result }, result instanceof Uint8Array ? [result.buffer] : [])
  } catch (error) {
    postMessage({ id, error: { name: error.name, message: error.message } })
  }
}
