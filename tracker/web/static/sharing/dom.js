// The few things that both pages do with the document. Text from others goes in as text only.

/** Return the element with an id. */
export const $ = (id) => document.getElementById(id)

/**
 * Make an element.
 *
 * @param {string} name of the tag.
 * @param {Object<string, string>} attributes `text` is its content.
 * @param {...Node} children
 */
export function element (name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  made.append(...children)
  return made
}

/** Set the text of an element, if it is another one: screen readers announce changes. */
export function write (id, text) {
  const target = $(id)
  if (target.textContent !== text) target.textContent = text
}

/** Show one of the sections of a page, and hide the others. */
export function showSection (id) {
  for (const section of document.querySelectorAll('[data-section]')) {
    section.hidden = section.id !== id
  }
}

/**
 * Show notices in a container, unless it shows them already.
 *
 * @param {{level: string, text: string, advice: string}[]} notices `level`: '', warning or error.
 */
export function showNotices (id, notices) {
  const target = $(id)
  const shown = JSON.stringify(notices)
  if (target.dataset.shown === shown) return
  target.dataset.shown = shown
  target.replaceChildren(...notices.map(({ level, text, advice }) => element(
    'div', { class: `notice ${level}`.trim() },
    element('p', {}, element('strong', { text })),
    ...(advice ? [element('p', { text: advice })] : [])
  )))
}

/** What the server says about the tracker: `{websocket: [urls], all: [urls]}`. */
export function trackersOf (page) {
  return JSON.parse(page.dataset.trackers)
}

/** Whether the visitor asked to connect through relays alone. */
export function wantsRelayOnly () {
  return new URLSearchParams(location.search).has('relay')
}

/** Show the sentences that are true of direct connections, or those of connections by relay. */
export function showWording (relayOnly) {
  for (const words of document.querySelectorAll('[data-connection]')) {
    words.hidden = (words.dataset.connection === 'relay') !== relayOnly
  }
}

/** Keep the screen on while the page is seen: a phone that sleeps ends all connections. */
export function keepScreenOn () {
  async function request () {
    if (document.hidden) return
    try {
      await navigator.wakeLock?.request('screen')
    } catch { // the battery is low, or the visitor does not allow it
    }
  }
  document.addEventListener('visibilitychange', request)
  request()
}
