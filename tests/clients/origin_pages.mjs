// Chromium pages of several websites ask for a WebSocket of the tracker.
// Usage: node origin_pages.mjs BROWSER URL PORT NAME…
//
// BROWSER: the address that `chromium.mjs` writes.
// PORT: of the websites, on this machine.
// NAME…: of each website.
// Writes one line of JSON: for each website, and for a page in a sandbox, "open", or "refused" if the
// handshake failed.

import { pagesOf, website } from './pages.mjs'

const [endpoint, tracker, port, ...names] = process.argv.slice(2)
const PAGE = '<!doctype html><script>window.ready = true</script>'

const pages = await pagesOf(endpoint)

async function ask (url) {
  const page = await pages.open(url, url)
  return page.evaluate((tracker) => new Promise((resolve) => {
    const socket = new WebSocket(tracker)
    socket.onopen = () => resolve('open')
    socket.onerror = () => resolve('refused')
  }), tracker)
}

const results = []
const site = await website(PAGE, {}, Number(port))
for (const name of names) results.push(await ask(`http://${name}:${port}/`))
const sandbox = await website(PAGE, {}, 0, { 'content-security-policy': 'sandbox allow-scripts' })
results.push(await ask(sandbox.url))

console.log(JSON.stringify(results))
await pages.close()
site.close()
sandbox.close()
