// What the service worker gets from this page: parts of files, while they arrive and afterwards.

const WORKER = '/sw.js'
const SCOPE = '/get'
const AWAKE_MS = 10_000 // browsers end a service worker without events after half a minute
const MOST_OPEN = 16 // streams; the oldest one is ended

/**
 * Something that can be streamed.
 *
 * @typedef {Object} Item
 * @property {string} name under which it is saved.
 * @property {string|null} type of media that may be shown.
 * @property {number} size bytes.
 * @property {(start: number, end: number) => AsyncIterator<Uint8Array>} read bytes from `start` up
 *   to `end`.
 * @property {(start: number, end: number) => Promise<Blob|null>} blob the same part, if it is
 *   complete and on disk: the browser then reads it by itself.
 */

/** Serves items under URLs that only this page knows. */
export class Streams {
  #token = crypto.getRandomValues(new Uint8Array(16)).toHex()
  #items = []
  #open = new Set()
  #awake = null

  /** @param {ServiceWorkerRegistration} registration */
  constructor (registration) {
    this.registration = registration
    navigator.serviceWorker.addEventListener('message', ({ data, ports: [port] }) => {
      if (data.stream?.token === this.#token) this.#serve(data.stream, port)
    })
    navigator.serviceWorker.startMessages()
    window.addEventListener('pagehide', () => {
      for (const stream of this.#open) stream.end('The page was closed.')
    })
  }

  /** Return the URL of an item. */
  url (item) {
    const index = this.#items.push(item) - 1
    return `${SCOPE}/stream/${this.#token}/${index}/${encodeURIComponent(item.name)}`
  }

  async #serve ({ item: index, range }, port) {
    const item = this.#items[index]
    if (!item) return port.postMessage({ error: 'There is no such file.' })
    const part = parseRange(range, item.size)
    if (!part) return port.postMessage({ error: 'There is no such part of the file.' })
    const facts = { name: item.name, type: item.type ?? '', size: item.size, ...part }
    const blob = await item.blob(part.start, part.end).catch(unreadable)
    port.postMessage({ ...facts, blob })
    if (blob) return port.close()
    if (this.#open.size >= MOST_OPEN) this.#open.values().next().value.end('too many streams')
    const stream = new Stream(item.read(part.start, part.end), port, () => {
      this.#open.delete(stream)
      this.#keepAwake()
    })
    this.#open.add(stream)
    this.#keepAwake()
  }

  #keepAwake () {
    clearInterval(this.#awake)
    if (this.#open.size === 0) return
    this.#awake = setInterval(() => this.registration.active?.postMessage('awake'), AWAKE_MS)
  }
}

/** The browser may not read a file that a worker has open: then the chunks go through this page. */
function unreadable (error) {
  console.info('no Blob of it:', error.message)
  return null
}

/** Sends an iterator's chunks through a port, each when the other side asks for it. */
class Stream {
  #port
  #chunks
  #onEnd

  constructor (chunks, port, onEnd) {
    this.#chunks = chunks
    this.#port = port
    this.#onEnd = onEnd
    port.onmessage = ({ data }) => (data === 'pull' ? this.#send() : this.end())
  }

  /** End the stream; with an error, what was received is not taken for the whole file. */
  end (error) {
    if (error) this.#port.postMessage({ error })
    this.#port.close()
    this.#chunks.return?.()
    this.#onEnd()
  }

  async #send () {
    try {
      const { value: chunk, done } = await this.#chunks.next()
      this.#port.postMessage(done ? {} : { chunk })
      if (done) this.end()
    } catch (error) {
      this.end(error.message)
    }
  }
}

/**
 * Parse a Range header (RFC 9110, section 14.2).
 *
 * @returns {{start: number, end: number, partial: boolean}|null} the first range, or the whole
 *   where there is none that we understand; null: it cannot be satisfied.
 */
export function parseRange (header, size) {
  const match = /^bytes=(\d*)-(\d*)/.exec(header ?? '')
  if (!match || (!match[1] && !match[2])) return { start: 0, end: size, partial: false }
  const [, first, last] = match
  const start = first ? Number(first) : Math.max(0, size - Number(last))
  const end = first && last ? Math.min(Number(last) + 1, size) : size
  return start < end ? { start, end, partial: true } : null
}

/**
 * Start the service worker, and wait until it serves this page.
 *
 * @returns {Promise<Streams|null>} null: this browser lets the page have none.
 */
export async function startStreams () {
  if (!navigator.serviceWorker) return null
  try {
    const registration = await navigator.serviceWorker.register(WORKER, { scope: SCOPE })
    await activated(registration)
    if (!navigator.serviceWorker.controller) {
      const controlled = new Promise((resolve) => {
        navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true })
      })
      registration.active.postMessage('claim')
      await controlled
    }
    return new Streams(registration)
  } catch (error) {
    console.info('no service worker:', error.message) // the page works without; it says how
    return null
  }
}

function activated ({ installing, waiting, active }) {
  const worker = active ?? waiting ?? installing
  if (worker.state === 'activated') return
  return new Promise((resolve, reject) => {
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve()
      else if (worker.state === 'redundant') reject(new Error('it could not be installed'))
    })
  })
}
