// The list of what this browser keeps of earlier downloads, with buttons that delete it.

import { $, element } from './dom.js'
import { count, size } from './format.js'
import { shownName } from './names.js'
import { kept, remove } from './private_store.js'

/**
 * Show the list, if there is anything.
 *
 * @param {string|null} current the info_hash of the download that this page has open.
 * @param {() => Promise<void>} release closes it, so that it can be deleted.
 */
export async function showKept (current, release) {
  const downloads = await kept()
  $('kept').hidden = downloads.length === 0
  const bytes = downloads.reduce((sum, each) => sum + each.size, 0)
  $('kept-summary').textContent =
    `${count(downloads.length, 'download')} kept in this browser, up to ${size(bytes)}`
  $('kept-list').replaceChildren(...downloads.map((each) => row(each, current, release)))
}

function row ({ infoHash, name, size: bytes }, current, release) {
  const title = name ? shownName(name) : 'A download without a description yet'
  const button = element('button', { class: 'button', type: 'button', text: 'Delete' })
  button.setAttribute('aria-label', `Delete ${title}`)
  const state = element('span', { class: 'muted size', text: bytes ? size(bytes) : '' })
  button.addEventListener('click', async () => {
    button.disabled = true
    if (infoHash === current) await release()
    if (await remove(infoHash)) {
      await showKept(infoHash === current ? null : current, release)
      $('kept-summary').focus()
    } else {
      state.textContent = 'Another tab has it open: close that tab first.'
      button.disabled = false
    }
  })
  const link = element('a', { href: `/get#${infoHash}` }, element('bdi', { text: title }))
  return element('li', {}, element('span', { class: 'name' }, link), state, button)
}
