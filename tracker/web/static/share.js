// The page that shares files from this browser.

import { generate } from './vendor/lean-qr.mjs'
import { BadChoice, chosen, dropped } from './sharing/choose.js'
import { DiskStore } from './sharing/disk_store.js'
import { $, keepScreenOn, showNotices, showSection, showWording, trackersOf, wantsRelayOnly, write } from './sharing/dom.js'
import { count, percent, size, speed } from './sharing/format.js'
import { hasRelay, iceConfiguration } from './sharing/ice.js'
import { linkTo, opensHereAlone, shortLinkTo } from './sharing/link.js'
import { shownName } from './sharing/names.js'
import { Swarm } from './sharing/swarm.js'
import { bencode, infoOf, magnetLink, pieceLength } from './sharing/torrent_file.js'

const TICK_MS = 1000
const HASHER = new URL('sharing/hash_worker.js', import.meta.url)

const trackers = trackersOf($('sharing'))
const relayOnly = wantsRelayOnly()

let sharing = null // while a file is shared: what ends it
let hashing = null // while a file is prepared: its worker

// -- choosing ----------------------------------------------------------------------------------

for (const [button, input] of [['choose-files', 'files'], ['choose-folder', 'folder']]) {
  $(button).addEventListener('click', () => $(input).click())
  $(input).addEventListener('change', () => {
    if ($(input).files.length) take(() => chosen($(input).files))
  })
}
// Safari on iPhones has no folders to choose.
$('choose-folder').hidden = !('webkitdirectory' in HTMLInputElement.prototype)

let drags = 0 // entered elements minus left ones: children of the page count, too
const choosing = () => !$('choose').hidden
for (const [name, change] of [['dragenter', 1], ['dragleave', -1]]) {
  document.addEventListener(name, () => {
    drags += change
    $('drop').classList.toggle('over', drags > 0 && choosing())
  })
}
document.addEventListener('dragover', (event) => event.preventDefault())
document.addEventListener('drop', (event) => {
  event.preventDefault() // a browser would open the file in place of this page
  drags = 0
  $('drop').classList.remove('over')
  const { dataTransfer } = event
  if (choosing() && dataTransfer.types.includes('Files')) {
    const choice = dropped(dataTransfer)
    take(() => choice)
  }
})

async function take (choose) {
  showNotices('choose-notices', [])
  try {
    await prepare(await choose())
  } catch (error) {
    hashing?.terminate()
    hashing = null
    showSection('choose')
    showNotices('choose-notices', [explain(error)])
  } finally {
    $('files').value = $('folder').value = ''
  }
}

function explain (error) {
  if (error instanceof BadChoice) return { level: 'warning', text: error.message }
  if (['NotReadableError', 'NotFoundError', 'SecurityError'].includes(error.name)) return UNREADABLE
  return { level: 'error', text: 'The file could not be prepared.', advice: error.message }
}

const UNREADABLE = {
  level: 'error',
  text: 'The file cannot be read.',
  advice: 'It may have been changed, moved or deleted, or this browser may not open it. Choose it again.'
}

// -- preparing ---------------------------------------------------------------------------------

/** @param {import('./sharing/choose.js').Choice} choice */
async function prepare (choice) {
  const length = pieceLength(choice.size)
  // One Blob of all files; it reads nothing before it is asked to.
  const content = new Blob(choice.files.map(({ file }) => file))
  showSection('prepare')
  $('prepare').querySelector('h2').focus()
  write('preparing', shownName(choice.name))
  const pieces = await hash(content, length)
  if (pieces === null) return showSection('choose')
  const info = infoOf(choice.name, choice.files, length, pieces)
  await share(choice, bencode({ info }), new DiskStore(content, length, onUnreadable))
}

/** Hash all pieces in a worker; returns null when the visitor cancels. */
function hash (content, length) {
  const worker = hashing = new Worker(HASHER, { type: 'module' })
  return new Promise((resolve, reject) => {
    $('cancel').onclick = () => resolve(null)
    worker.onmessage = ({ data: { hashed, pieces, error } }) => {
      if (hashed !== undefined) return showHashed(hashed, content.size)
      if (error) return reject(new DOMException('', error))
      resolve(pieces)
    }
    worker.onerror = () => reject(new Error('Reload the page, and try again.'))
    showHashed(0, content.size)
    worker.postMessage({ content, pieceLength: length })
  }).finally(() => {
    worker.terminate()
    hashing = null
  })
}

function showHashed (hashed, total) {
  $('hashed').value = hashed / total
  write('hashed-percent', percent(hashed / total))
  write('hashed-amount', `${size(hashed)} of ${size(total)}`)
}

// -- sharing -----------------------------------------------------------------------------------

async function share (choice, torrentFile, store) {
  const configuration = await iceConfiguration({ relayOnly })
  const swarm = new Swarm(torrentFile, trackers.websocket, configuration, {
    preloadedStore: store, skipVerify: true
  })
  await new Promise((resolve, reject) => {
    swarm.torrent.once('ready', resolve)
    swarm.addEventListener('failure', () => reject(swarm.error), { once: true })
  })
  showLinks(choice, swarm.torrent.infoHash)
  showSection('shared')
  $('shared-name').focus()
  const timer = setInterval(() => show(swarm, configuration), TICK_MS)
  show(swarm, configuration)
  window.addEventListener('beforeunload', warn)
  keepScreenOn()
  sharing = async () => {
    clearInterval(timer)
    window.removeEventListener('beforeunload', warn)
    await swarm.close()
  }
}

const warn = (event) => event.preventDefault()

function showLinks ({ name, files, size: bytes }, infoHash) {
  const shown = shownName(name)
  write('shared-name', shown)
  const many = files.length > 1 ? `, ${count(files.length, 'file')}` : ''
  write('shared-about', `${size(bytes)}${many}`)
  $('link').value = linkTo(infoHash, name)
  $('open').href = $('link').value
  $('magnet').value = magnetLink(infoHash, name, trackers.all)
  const code = generate(shortLinkTo(infoHash))
  code.toCanvas($('qr'), { on: [0, 0, 0, 255], off: [255, 255, 255, 255], pad: 3 })
  showNotices('link-notices', opensHereAlone(location.hostname) ? [HERE_ALONE] : [])
  $('send').hidden = !navigator.share
  $('send').onclick = () => navigator.share({ title: shown, url: $('link').value })
    .catch(() => {}) // the visitor closed the dialog
}

const HERE_ALONE = {
  level: 'warning',
  text: 'Only this computer can open this link.',
  advice: `This page was opened as ${location.hostname}. To share with other devices, open this page under the name or the address of this computer in your network, for example ${location.protocol}//192.168.1.5${location.port && `:${location.port}`}/share, and choose the same files again.`
}

function show (swarm, configuration) {
  swarm.check()
  const { torrent } = swarm
  write('connected', String(torrent.numPeers))
  write('complete', String(torrent.wires.filter((wire) => hasAll(wire, torrent.pieces.length)).length))
  write('upload-speed', speed(torrent.uploadSpeed))
  write('uploaded', size(torrent.uploaded))
  write('shared-status', statusOf(swarm))
  showNotices('shared-notices', noticesOf(swarm, configuration))
}

/** Whether a peer has everything; the last piece usually arrives last. */
function hasAll ({ peerPieces, isSeeder }, count) {
  let index = count - 1
  while (index >= 0 && !isSeeder && peerPieces.get(index)) index--
  return isSeeder || index < 0
}

function statusOf ({ tracker, torrent }) {
  if (tracker !== 'up') return 'Connecting to the tracker'
  if (torrent.numPeers === 0) return 'Ready: waiting for someone to open the link'
  return torrent.uploadSpeed > 0 ? 'Sending' : 'Connected'
}

function noticesOf ({ tracker, refusal, attempts, failures, torrent }, configuration) {
  if (!navigator.onLine) return [{ level: 'error', text: 'This device is offline.', advice: 'Sharing goes on by itself when it is online again.' }]
  if (relayOnly && !hasRelay(configuration)) {
    return [{
      level: 'error',
      text: 'This page may connect through a relay only, and this tracker has none.',
      advice: 'Open the page without “?relay” to connect directly.'
    }]
  }
  if (tracker === 'down') {
    return [{
      level: 'error',
      text: 'The tracker does not answer: no one new can find this file now.',
      advice: 'Your network may block WebSockets, or the tracker restarts. This page tries again by itself.'
    }]
  }
  if (refusal) return [{ level: 'error', text: `The tracker rejects this file: ${refusal}`, advice: 'If it is too busy or restarts, this page tries again by itself. Otherwise ask the operator of this site.' }]
  if (torrent.numPeers === 0 && attempts > 0 && failures >= attempts) {
    return [{
      level: 'warning',
      text: 'Another browser opened the link, but your two networks do not let the browsers connect.',
      advice: hasRelay(configuration)
        ? 'One of the networks blocks the relay (TURN server), too. Try another network, or switch off a VPN.'
        : 'This tracker has no relay (TURN server) to help. Try another network, a phone’s hotspot for example, or switch off a VPN.'
    }]
  }
  return []
}

async function onUnreadable () {
  showNotices('choose-notices', [{ ...UNREADABLE, text: 'Sharing has ended: a file cannot be read any more.' }])
  await stop()
}

async function stop () {
  const end = sharing
  sharing = null
  showSection('choose')
  $('choose-files').focus()
  await end?.()
}

$('again').addEventListener('click', async () => {
  showNotices('choose-notices', [])
  await stop()
})

showWording(relayOnly)
if (window.RTCPeerConnection) {
  for (const id of ['choose-files', 'choose-folder']) $(id).disabled = false
} else {
  showNotices('choose-notices', [{
    level: 'error',
    text: 'This browser cannot connect to other browsers: WebRTC is missing or switched off.',
    advice: 'Use a current Chrome, Edge, Firefox or Safari. If this is one, an extension or a setting may block WebRTC.'
  }])
}
showSection('choose')
