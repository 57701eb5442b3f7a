// Three Chromium pages with Trystero meet in a room. The first two meet at once; the third comes
// after a pause, in which the test may do something to the tracker.
// Usage: node trystero_pages.mjs BROWSER URL ROOM
//
// BROWSER: the address that `chromium.mjs` writes.
// Writes a line when the first two have met, and waits for a line. At the end it writes one line
// of JSON: for each page {"id": …, "digest": …, "heard": {ID: {"text": …, "digest": …}}}.

import { once } from 'node:events'
import { pagesOf, SHA256, website } from './pages.mjs'

const [endpoint, tracker, roomId] = process.argv.slice(2)
const PAGE = `<!doctype html>
<script type="importmap">
  { "imports": { "@trystero-p2p/core": "/node_modules/@trystero-p2p/core/dist/index.mjs" } }
</script>
<script type="module">${SHA256}
  import { joinRoom, selfId } from '/node_modules/@trystero-p2p/torrent/dist/index.mjs'
  const content = crypto.getRandomValues(new Uint8Array(65536))
  window.report = { id: selfId, digest: await sha256(content), heard: {} }

  window.enter = (tracker, roomId) => {
    const room = joinRoom({
      appId: 'tests',
      relayConfig: { urls: [tracker] },
      rtcConfig: { iceServers: [] } // no STUN server: the addresses of this machine are enough
    }, roomId)
    const text = room.makeAction('text')
    const bytes = room.makeAction('bytes')
    const of = (peerId) => (window.report.heard[peerId] ??= {})
    text.onMessage = (message, { peerId }) => { of(peerId).text = message }
    bytes.onMessage = async (message, { peerId }) => { of(peerId).digest = await sha256(message) }
    room.onPeerJoin = (peerId) => {
      text.send('I am ' + selfId, { target: peerId })
      bytes.send(content, { target: peerId })
    }
  }
  window.ready = true
</script>`

const site = await website(PAGE)
const pages = await pagesOf(endpoint)

async function enter (name) {
  const page = await pages.open(site.url, name)
  await page.evaluate(([tracker, roomId]) => window.enter(tracker, roomId), [tracker, roomId])
  return page
}

async function hears (page, others) {
  await page.waitForFunction((others) => {
    const heard = Object.values(window.report.heard)
    return heard.filter(({ text, digest }) => text && digest).length === others
  }, others, { timeout: 0 }) // the test has a deadline
}

const inside = [await enter('first'), await enter('second')]
for (const page of inside) await hears(page, 1)

console.log('met')
await once(process.stdin, 'data')

inside.push(await enter('third'))
for (const page of inside) await hears(page, 2)
console.log(JSON.stringify(await Promise.all(inside.map((page) => page.evaluate('report')))))
await pages.close()
site.close()
process.stdin.destroy()
