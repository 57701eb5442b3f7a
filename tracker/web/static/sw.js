// The service worker of /get: it lets the browser play, show and save what the page receives, while
// it arrives. It answers for paths under /get/stream/ alone, with what the page that has the
// download sends, and stores nothing.
//
// A new version waits until no page uses the old one: it must not cut off files being saved.

const STREAMS = '/get/stream/'
const ANSWER_MS = 10_000
const SHOWN = new Set(['audio', 'image', 'video']) // elements of the page, by their destination
const PLAYABLE = /^(audio|video|image)\/(?!svg)[a-z0-9.-]+$/

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('message', (event) => {
  // A page that was reloaded without its service worker asks for it; other messages keep us awake.
  if (event.data === 'claim') event.waitUntil(self.clients.claim())
})

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (url.origin === self.location.origin && url.pathname.startsWith(STREAMS)) {
    event.respondWith(serve(event.request, url.pathname.slice(STREAMS.length)))
  }
})

async function serve (request, path) {
  if (request.method !== 'GET') return refusal(405, 'Only GET works here.')
  const [token, item] = path.split('/')
  const answer = await ask({ token, item, range: request.headers.get('range') })
  if (!answer) return refusal(404, 'The page that this file comes from is closed.')
  const { facts, port } = answer
  if (facts.error) return refusal(416, facts.error)
  const { size, start, end } = facts
  return new Response(facts.blob ?? bodyOf(port), {
    status: facts.partial ? 206 : 200,
    headers: {
      ...PROTECTION,
      ...presentation(facts, request.destination),
      ...(facts.partial ? { 'Content-Range': `bytes ${start}-${end - 1}/${size}` } : {}),
      'Accept-Ranges': 'bytes',
      'Content-Length': String(end - start)
    }
  })
}

// Files come from strangers: none may run as a document of this site.
const PROTECTION = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'self'; sandbox allow-downloads",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff'
}

function presentation ({ type, name }, destination) {
  if (SHOWN.has(destination) && PLAYABLE.test(type)) return { 'Content-Type': type }
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (character) => (
    `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  ))
  return {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename*=UTF-8''${encoded}`
  }
}

const refusal = (status, text) => new Response(text, {
  status, headers: { ...PROTECTION, 'Content-Type': 'text/plain; charset=utf-8' }
})

/** Ask all pages; the one with this token answers. */
async function ask (question) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), ANSWER_MS)
    for (const page of pages) {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = ({ data: facts }) => resolve({ facts, port: port1 })
      page.postMessage({ stream: question }, [port2])
    }
    if (pages.length === 0) resolve(null)
  })
}

/** Return what the page sends, one chunk each time that the browser wants more. */
function bodyOf (port) {
  return new ReadableStream({
    pull (controller) {
      return new Promise((resolve) => {
        port.onmessage = ({ data }) => {
          if (data.chunk) controller.enqueue(data.chunk)
          else if (data.error) controller.error(new Error(data.error))
          else controller.close()
          if (!data.chunk) port.close()
          resolve()
        }
        port.postMessage('pull')
      })
    },
    cancel () {
      port.postMessage('cancel')
      port.close()
    }
  }, { highWaterMark: 1 })
}
