// Hashes the pieces of what is shared, a few at a time, from disk.
// In: {content: Blob, pieceLength}. Out: {hashed: bytes} often; then {pieces} or {error}.

import './polyfills.js'

const AT_ONCE = 4 // pieces in memory
const REPORT_MS = 100

// The garbage collector takes its time with buffers: large files would pass through gigabytes. A
// message to a closed port takes its buffers along.
const { port1: nowhere, port2: closed } = new MessageChannel()
closed.close()
const free = (buffer) => nowhere.postMessage(null, [buffer])

async function hash (content, pieceLength) {
  const count = Math.ceil(content.size / pieceLength)
  const pieces = new Uint8Array(count * 20)
  let next = 0
  let hashed = 0
  let reported = 0

  async function some () {
    while (next < count) {
      const index = next++
      const piece = content.slice(index * pieceLength, (index + 1) * pieceLength)
      const bytes = await piece.arrayBuffer()
      pieces.set(new Uint8Array(await crypto.subtle.digest('SHA-1', bytes)), index * 20)
      free(bytes)
      hashed += piece.size
      if (performance.now() - reported >= REPORT_MS) {
        reported = performance.now()
        postMessage({ hashed })
      }
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, some))
  return pieces
}

onmessage = async ({ data: { content, pieceLength } }) => {
  try {
    const pieces = await hash(content, pieceLength)
    postMessage({ pieces }, [pieces.buffer])
  } catch (error) {
    postMessage({ error: error.name })
  }
}
