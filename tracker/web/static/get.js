// The page that downloads what a link names, from the browsers of those who share it.

import { diagnose } from './sharing/diagnosis.js'
import { $, keepScreenOn, showNotices, showSection, showWording, trackersOf, wantsRelayOnly, write } from './sharing/dom.js'
import { Files } from './sharing/file_list.js'
import { count, duration, percent, size, speed } from './sharing/format.js'
import { hasRelay, iceConfiguration } from './sharing/ice.js'
import { showKept } from './sharing/kept_list.js'
import { parseLink } from './sharing/link.js'
import { shownName } from './sharing/names.js'
import { removeOld } from './sharing/private_store.js'
import { accept, admission, join, NoSpace } from './sharing/receive.js'
import { startStreams } from './sharing/stream.js'
import { magnetLink } from './sharing/torrent_file.js'

const TICK_MS = 1000
const LONGEST_LEFT_MS = 10 * 24 * 60 * 60 * 1000 // what is longer is not foreseeable
const SLOWED_MS = 3000 // between two ticks: the browser throttles this tab
const SLOWED_FOR_MS = 30_000 // that long the page mentions it

const trackers = trackersOf($('sharing'))
const relayOnly = wantsRelayOnly()
const link = parseLink(location.hash)
showWording(relayOnly)

class Page {
  #swarm
  #store
  #files = null
  #configuration
  #streams
  #programs = null
  #agreed = false
  #stopped = false
  #ticked = performance.now()
  #slowedAt = -Infinity
  #started = performance.now()
  #received = { bytes: 0, at: performance.now() }

  async start () {
    const title = link.name ? shownName(link.name) : 'Your download'
    write('name', title)
    $('magnet').value = magnetLink(link.infoHash, link.name, trackers.all)
    showSection('download')
    if (!window.RTCPeerConnection) return this.#showNotices({ webrtc: false })
    ;[this.#configuration, this.#streams] = await Promise.all([
      iceConfiguration({ relayOnly }), startStreams()
    ])
    await this.#join()
    setInterval(() => this.#tick(), TICK_MS)
    this.#askForPrograms()
    keepScreenOn()
  }

  async #join () {
    try {
      const joined = await join(link, trackers.websocket, this.#configuration)
      this.#swarm = joined.swarm
      this.#store = joined.store
    } catch (error) {
      if (error.name !== 'InUseError') throw error
      return this.#stop('Another tab of this browser has this download open.', 'Go on there, or close that tab and reload this page.')
    }
    const { torrent } = this.#swarm
    this.#swarm.addEventListener('failure', () => this.#fail(this.#swarm.error))
    torrent.on('metadata', () => this.#onMetadata())
    torrent.on('ready', () => this.#onReady())
    torrent.on('done', () => this.#onDone())
  }

  #onMetadata () {
    const { torrent } = this.#swarm
    try {
      accept(torrent, this.#store)?.catch((error) => this.#fail(error))
    } catch (error) {
      return this.#fail(error)
    }
    const name = shownName(torrent.name)
    write('name', name)
    document.title = `${name} – tracker-cluster`
    $('magnet').value = magnetLink(link.infoHash, torrent.name, trackers.all)
    const files = torrent.files.length > 1 ? `, ${count(torrent.files.length, 'file')}` : ''
    write('about', `${size(torrent.length)}${files}`)
    this.#files = new Files(torrent, this.#store, this.#streams)
  }

  async #onReady () {
    const { torrent } = this.#swarm
    this.#files.show()
    this.#showKept()
    try {
      const { start, free } = await admission(torrent, this.#store)
      if (start || torrent.done) return this.#select()
      write('question', `This download needs ${size(torrent.length - torrent.downloaded)}; this browser has ${free === null ? 'an unknown amount' : size(free)} of space for it.`)
      $('ask').hidden = false
      $('agree').addEventListener('click', () => {
        $('ask').hidden = true
        this.#select()
      }, { once: true })
      this.#tick()
    } catch (error) {
      this.#fail(error)
    }
  }

  #select () {
    const { torrent } = this.#swarm
    this.#agreed = true
    if (!torrent.done && torrent.pieces.length) torrent.select(0, torrent.pieces.length - 1)
    this.#received.at = performance.now()
    this.#tick()
  }

  #onDone () {
    this.#store.flush?.().catch((error) => this.#fail(error))
    const { files } = this.#swarm.torrent
    $('save').textContent = files.length > 1 ? 'Save all (.zip)' : 'Save'
    $('save').addEventListener('click', () => this.#save())
    $('done').hidden = false
    this.#tick()
  }

  async #save () {
    $('save').disabled = true
    try {
      await this.#files.saveAll()
      write('saved', 'Your browser saves it to its downloads folder. Keep this tab open until it is there.')
    } catch (error) {
      write('saved', `It could not be saved: ${error.message}`)
    } finally {
      $('save').disabled = false
    }
  }

  #tick () {
    const now = performance.now()
    if (now - this.#ticked > SLOWED_MS) this.#slowedAt = now
    this.#ticked = now
    if (!this.#swarm || this.#stopped) return
    this.#swarm.check()
    this.#show(now)
  }

  #show (now) {
    const { torrent } = this.#swarm
    if (torrent.received !== this.#received.bytes || !this.#agreed) {
      this.#received = { bytes: torrent.received, at: now }
    }
    this.#files?.update()
    write('status', this.#status())
    const done = torrent.done && torrent.ready
    $('status').classList.toggle('good', done)
    $('progress').hidden = !this.#agreed || done
    if (torrent.ready) this.#showProgress(torrent)
    this.#showNotices({
      webrtc: true,
      tracker: this.#swarm.tracker,
      refusal: this.#swarm.refusal,
      seeders: this.#swarm.seeders,
      leechers: this.#swarm.leechers,
      programs: this.#programs,
      attempts: this.#swarm.attempts,
      failures: this.#swarm.failures,
      connected: torrent.numPeers,
      relay: hasRelay(this.#configuration),
      waitedS: (now - this.#started) / 1000,
      stalledS: (now - this.#received.at) / 1000,
      throttled: now - this.#slowedAt < SLOWED_FOR_MS
    }, done || (torrent.ready && !this.#agreed))
  }

  #status () {
    const { torrent, tracker } = this.#swarm
    if (!torrent.metadata) {
      if (tracker !== 'up') return 'Connecting to the tracker'
      return torrent.numPeers ? 'Asking what the link contains' : 'Looking for someone who has it'
    }
    if (!torrent.ready) return 'Checking what this browser has of it already'
    if (torrent.done) return 'Complete and checked'
    if (!this.#agreed) return 'Ready to download'
    return torrent.numPeers ? 'Downloading' : 'Looking for someone who has it'
  }

  #showProgress (torrent) {
    $('bar').value = torrent.progress
    write('percent', percent(torrent.progress))
    write('amount', `${size(torrent.downloaded)} of ${size(torrent.length)}`)
    write('people', count(torrent.numPeers, 'person', 'people'))
    write('speed', speed(torrent.downloadSpeed))
    const left = torrent.timeRemaining
    write('left', left < LONGEST_LEFT_MS ? `${duration(left)} left` : '')
  }

  #showNotices (known, quiet = false) {
    const notices = quiet
      ? []
      : diagnose({ online: navigator.onLine, relayOnly, ...known })
    showNotices('notices', notices)
  }

  /** Learn whether BitTorrent programs have the file: browsers cannot connect to those. */
  async #askForPrograms () {
    try {
      const response = await fetch(`/swarms/${link.infoHash}.json`, { cache: 'no-store' })
      if (!response.ok) return
      const { seeders } = await response.json()
      this.#programs = seeders
    } catch { // the tracker is unreachable; the page says so already
    }
  }

  async #showKept () {
    await showKept(link.infoHash, async () => {
      this.#stop('This download was deleted from this browser.', 'Reload the page to download it again.')
      await this.#swarm.close()
    })
  }

  #fail (error) {
    if (error instanceof NoSpace) {
      this.#stop(error.message, `It needs ${size(error.missing)} more, and this browser offers ${size(error.free)}. Delete other downloads below or free space on this device, then reload this page.`)
    } else if (error.name === 'QuotaExceededError') {
      this.#stop('The storage of this browser is full.', 'Delete other downloads below or free space on this device, then reload this page: it goes on where it stopped.')
    } else {
      this.#stop('The download cannot go on.', error.message)
    }
    this.#swarm?.close()
  }

  #stop (text, advice) {
    this.#stopped = true
    showNotices('problem', [{ level: 'error', text, advice }])
    for (const id of ['status-line', 'progress', 'notices', 'ask', 'done']) $(id).hidden = true
    showKept(this.#swarm ? link.infoHash : null, async () => {})
  }
}

window.addEventListener('hashchange', () => location.reload()) // another link in this tab
if (link) {
  await removeOld().catch((error) => console.info('nothing removed:', error.message))
  await new Page().start()
} else {
  showSection('wrong')
  await showKept(null, async () => {})
}
