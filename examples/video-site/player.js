// Plays a video that its viewers pass on to each other. What they cannot deliver in time comes from
// the website's own server. docs/video-site.md explains each part.

const LOW_S = 10 // seconds of video ahead of the viewer; below, the server helps
const HIGH_S = 20 // above, it does not
const LOOK_MS = 1000
const RECONNECT_MS = 5000 // until the first attempt to reach a tracker again; then twice as long
const RECONNECT_MOST_MS = 120_000

const video = document.querySelector('video')
const server = new URL(video.dataset.video, document.baseURI).href
const bytes = { viewers: 0, server: 0 } // that have arrived, by source
const rtcConfig = { iceServers: [] }

play().catch((error) => {
  console.warn(`Without other viewers: ${error.message}`)
  document.getElementById('tracker').textContent = 'not used'
  playFromServer()
})

async function play () {
  const { default: WebTorrent } = await import('./webtorrent.min.js')
  if (!WebTorrent.WEBRTC_SUPPORT) throw new Error('this browser has no WebRTC')
  const [torrentFile, controller] = await Promise.all([
    load(video.dataset.torrent), serviceWorker(), checkRanges(), refreshServers()
  ])
  const client = new WebTorrent({ tracker: { rtcConfig } })
  client.on('error', playFromServer)
  client.createServer({ controller })
  client.add(torrentFile, (torrent) => {
    torrent.files[0].streamTo(video)
    count(torrent)
    reconnect(torrent)
    setInterval(() => {
      balance(torrent)
      show(torrent)
    }, LOOK_MS)
    balance(torrent)
  })
}

/** Play it as any website would, from where the viewer was. */
function playFromServer () {
  if (video.src === server) return
  const at = video.currentTime
  video.src = server
  video.currentTime = at
  video.play().catch(() => {}) // the viewer must press play
}
video.addEventListener('error', playFromServer)

async function load (url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/**
 * Reject a server that answers a request for a range with the whole file. WebTorrent would take the
 * file for the range, discard it, and load it again for the next one.
 */
async function checkRanges () {
  const request = { headers: { range: 'bytes=0-0' }, cache: 'no-store' }
  const response = await fetch(server, request).catch((error) => {
    console.warn(`The server does not answer: ${error.message}`) // other viewers may have the video
  })
  if (response?.status !== 200) return
  await response.body.cancel()
  throw new Error('the server does not support Range requests')
}

/** Start the worker that hands what has arrived to the video element. */
async function serviceWorker () {
  const workers = navigator.serviceWorker
  await workers.register('sw.min.js')
  const registration = await workers.ready
  if (!workers.controller) await once(workers, 'controllerchange', 5000)
  return registration
}

function once (target, event, timeoutMs) {
  return new Promise((resolve, reject) => {
    target.addEventListener(event, resolve, { once: true })
    setTimeout(() => reject(new Error(`no ${event} within ${timeoutMs} ms`)), timeoutMs)
  })
}

/**
 * Read the STUN and TURN servers, and again before their credentials expire. New connections use
 * what `rtcConfig` holds. Without them, most viewers still reach each other.
 */
async function refreshServers () {
  let nextMs = 60_000
  try {
    const response = await fetch(video.dataset.ice)
    if (!response.ok) throw new Error(`status ${response.status}`)
    const { iceServers, ttl } = await response.json()
    rtcConfig.iceServers = iceServers
    nextMs = ttl * 500 // half of their time
  } catch (error) {
    console.warn(`No STUN and TURN servers: ${error.message}`)
  }
  setTimeout(refreshServers, nextMs)
}

function count (torrent) {
  torrent.on('wire', (wire) => {
    const source = wire.type === 'webSeed' ? 'server' : 'viewers'
    wire.on('download', (size) => { bytes[source] += size })
  })
}

/** Let the server send only what is missing shortly before the viewer needs it (BEP 19). */
function balance (torrent) {
  const helps = torrent.wires.some((wire) => wire.type === 'webSeed')
  const seconds = torrent.done ? Infinity : ahead(torrent)
  if (seconds < LOW_S && !helps) torrent.addWebSeed(server)
  if (seconds > HIGH_S && helps) torrent.removePeer(server)
}

/** Seconds of video from the viewer's position on that have arrived without a gap. */
function ahead (torrent) {
  if (!Number.isFinite(video.duration)) return 0
  const first = Math.floor(video.currentTime / video.duration * torrent.length / torrent.pieceLength)
  let piece = first
  while (piece < torrent.pieces.length && torrent.bitfield.get(piece)) piece += 1
  if (piece === torrent.pieces.length) return Infinity
  return (piece - first) * torrent.pieceLength / torrent.length * video.duration
}

/**
 * Reach a lost tracker again soon. WebTorrent waits for up to five minutes; meanwhile no new viewer
 * finds this one. The pause is random, so that viewers do not all return at once.
 */
function reconnect (torrent) {
  let pauseMs = RECONNECT_MS
  torrent.on('trackerAnnounce', () => { pauseMs = RECONNECT_MS })
  const look = () => {
    for (const tracker of lost(torrent)) {
      clearTimeout(tracker.reconnectTimer)
      tracker._openSocket()
      pauseMs = Math.min(pauseMs * 2, RECONNECT_MOST_MS)
    }
    setTimeout(look, pauseMs * (0.5 + Math.random()))
  }
  look()
}

/** The trackers that WebTorrent waits for; it has no public name for them. */
function lost (torrent) {
  const trackers = torrent.discovery?.tracker?._trackers ?? []
  return trackers.filter((tracker) => tracker.reconnecting && tracker.destroyed)
}

function show (torrent) {
  const viewers = torrent.wires.filter((wire) => wire.type !== 'webSeed')
  const texts = {
    viewers: viewers.length,
    'from-viewers': megabytes(bytes.viewers),
    'from-server': megabytes(bytes.server),
    'passed-on': megabytes(torrent.uploaded),
    tracker: lost(torrent).length ? 'unreachable' : 'connected'
  }
  for (const [id, text] of Object.entries(texts)) document.getElementById(id).textContent = text
}

function megabytes (size) {
  return `${(size / 1e6).toFixed(1)} MB`
}
