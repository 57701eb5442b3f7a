// Keeps the numbers and charts of a page up to date. Without events the page stays as it is.

let events

// A browser has few connections for each host: pages in the background take none.
function follow () {
  events?.close()
  if (document.visibilityState === 'hidden') return
  events = new EventSource('/stats/events')
  events.addEventListener('numbers', event => showNumbers(JSON.parse(event.data)))
  for (const part of document.querySelectorAll('[data-part]')) {
    events.addEventListener(part.id, event => { part.innerHTML = JSON.parse(event.data) })
  }
}

function showNumbers (numbers) {
  for (const place of document.querySelectorAll('[data-live]')) {
    const text = numbers[place.dataset.live]
    if (text !== undefined && text !== place.textContent) place.textContent = text
  }
}

document.addEventListener('visibilitychange', follow)
addEventListener('pagehide', () => events?.close())
addEventListener('pageshow', event => event.persisted && follow())
follow()
