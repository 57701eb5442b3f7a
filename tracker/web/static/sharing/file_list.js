// The files of a download, and what can be done with each.

import { $, element } from './dom.js'
import { size } from './format.js'
import { mediaElement, mediaType } from './media.js'
import { savedName, savedPath, shownName } from './names.js'
import { readFile } from './receive.js'
import { distinct, zip } from './zip.js'

const MOST_SHOWN = 500 // rows; an archive has them all

/** Saves and shows files, through the service worker or, without one, through memory. */
export class Files {
  #torrent
  #store
  #streams
  #rows = new Map()
  #urls = new Map()
  #archive = null
  #archiveUrl = null

  /**
   * @param {Object} torrent of WebTorrent.
   * @param {import('./private_store.js').PrivateStore} store of its content.
   * @param {import('./stream.js').Streams|null} streams
   */
  constructor (torrent, store, streams) {
    this.#torrent = torrent
    this.#store = store
    this.#streams = streams
  }

  /** Show the list, if there is more than one file; a single one is shown by its preview. */
  show () {
    const { files } = this.#torrent
    if (files.length === 1) return this.#preview(files[0])
    for (const file of files.slice(0, MOST_SHOWN)) $('files').append(this.#row(file))
    $('more-files').hidden = files.length <= MOST_SHOWN
    $('more-files').textContent = `… and ${files.length - MOST_SHOWN} more: save all to get them.`
    $('file-list').hidden = false
    this.update()
  }

  /** Bring the state of each row up to date. */
  update () {
    for (const [file, { state, save }] of this.#rows) {
      const text = file.done ? '' : `${Math.floor(file.progress * 100)} %`
      if (state.textContent !== text) state.textContent = text
      save.disabled = !file.done
    }
  }

  /** Save the only file, or an archive of all; resolves when the browser has taken over. */
  saveAll () {
    const { files } = this.#torrent
    return files.length === 1 ? this.#save(files[0]) : this.#saveArchive()
  }

  #row (file) {
    const name = shownName(relative(file, this.#torrent.name))
    const state = element('span', { class: 'muted state' })
    const save = element('button', { class: 'button', type: 'button', text: 'Save' })
    save.setAttribute('aria-label', `Save ${name}`)
    save.addEventListener('click', () => this.#save(file))
    this.#rows.set(file, { state, save })
    const type = mediaType(file.name)
    const buttons = [save]
    if (type && this.#streams) {
      const verb = type.startsWith('image/') ? 'Show' : 'Play'
      const play = element('button', { class: 'button', type: 'button', text: verb })
      play.setAttribute('aria-label', `${verb} ${name}`)
      play.addEventListener('click', () => this.#preview(file, true))
      buttons.unshift(play)
    }
    return element('li', {},
      element('bdi', { class: 'name', text: name }),
      element('span', { class: 'muted size', text: size(file.length) }),
      state, element('span', { class: 'row actions' }, ...buttons))
  }

  /** Play or show a file while it arrives. */
  #preview (file, asked = false) {
    const type = mediaType(file.name)
    if (!type || !this.#streams) return
    const name = shownName(file.name)
    const kind = mediaElement(type)
    const media = element(kind, kind === 'img' ? { alt: name } : { controls: '', 'aria-label': name })
    media.addEventListener('error', () => {
      $('preview-problem').textContent = 'This browser cannot show this file. Save it, and open it in another program.'
    })
    media.src = this.#urlOf(file)
    $('preview-problem').textContent = ''
    $('player').replaceChildren(media)
    $('preview').hidden = false
    if (!asked) return
    $('preview').scrollIntoView({ block: 'nearest' })
    if (kind !== 'img') media.play().catch(() => {}) // the error event says why
  }

  #urlOf (file) {
    if (!this.#urls.has(file)) {
      this.#urls.set(file, this.#streams.url({
        name: savedName(file.name),
        type: mediaType(file.name),
        size: file.length,
        read: (start, end) => readFile(file, start, end),
        blob: async (start, end) => (file.done ? this.#blobOf(file, start, end) : null)
      }))
    }
    return this.#urls.get(file)
  }

  #blobOf ({ offset }, start, end) {
    return this.#store.blob(offset + start, offset + end)
  }

  async #save (file) {
    if (this.#streams) return download(this.#urlOf(file))
    offer(await this.#blobOf(file, 0, file.length), savedName(file.name))
  }

  async #saveArchive () {
    this.#archive ??= await this.#makeArchive()
    const archive = this.#archive
    const name = `${savedName(this.#torrent.name)}.zip`
    if (!this.#streams) return offer(archive, name)
    this.#archiveUrl ??= this.#streams.url({
      name, type: null, size: archive.size, blob: async (start, end) => archive.slice(start, end)
    })
    download(this.#archiveUrl)
  }

  async #makeArchive () {
    const entries = []
    for (const file of this.#torrent.files) {
      const crc = await this.#store.checksum(file.offset, file.offset + file.length)
      const content = await this.#blobOf(file, 0, file.length)
      entries.push({ path: savedPath(file.path), crc, content })
    }
    return zip(distinct(entries))
  }
}

/** Leave out the folder that the whole download has in common. */
function relative ({ path }, folder) {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path
}

/** Save what a URL of the service worker gives: it is an attachment, so no page is opened. */
function download (url) {
  const frame = element('iframe', { src: url, hidden: '', title: 'Download' })
  $('downloads').replaceChildren(frame)
}

/** Save a Blob without a service worker. */
function offer (blob, name) {
  const url = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }))
  element('a', { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000) // the browser has opened it by then
}
