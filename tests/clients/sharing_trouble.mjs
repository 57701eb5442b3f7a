// What /get and /share say when nothing can happen.
// Usage: node sharing_trouble.mjs CHROMIUM SITE OTHER_SITE
//
// OTHER_SITE: its tracker is stopped and started again by the test, each after a line of ours.
// Writes the words of each page.

import { createInterface } from 'node:readline'
import { browse, report } from './sharing.mjs'

const [chromium, site, other] = process.argv.slice(2)
const HASH = 'b'.repeat(40)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const said = {}
const browser = await browse(chromium, 'page', { ignore: /WebSocket|Failed to load resource|ERR_CONNECTION|Failed to fetch|fetching the script/ })

async function notices (page, pattern) {
  const notice = page.locator('.notice', { hasText: pattern })
  await notice.first().waitFor()
  return notice.first().innerText()
}

async function on (name, url, pattern, prepare = async () => {}) {
  const page = await browser.open()
  await prepare(page)
  await page.goto(url)
  said[name] = await notices(page, pattern)
  return page
}

const withoutWebRtc = (page) => page.addInitScript(() => { delete window.RTCPeerConnection })
await (await on('get without WebRTC', `${site}get#${HASH}`, /WebRTC/, withoutWebRtc)).close()
await (await on('share without WebRTC', `${site}share`, /WebRTC/, withoutWebRtc)).close()
const wrong = await browser.open()
await wrong.goto(`${site}get#${HASH.slice(1)}`)
said['wrong link'] = await wrong.locator('#wrong').innerText()
await wrong.goto(`${site}get`)
said['no link'] = await wrong.locator('#wrong').innerText()
await wrong.close()
const waiting = await on('nobody', `${other}get#${HASH}`, /No one/)
said.status = await waiting.textContent('#status')
const twice = await browser.open()
await twice.goto(`${other}get#${HASH}`)
said['second tab'] = await notices(twice, /Another tab/)
await twice.close()
const offline = await browser.open()
await offline.goto(`${site}get#${'c'.repeat(40)}`)
await browser.context.setOffline(true)
said.offline = await notices(offline, /offline/)
await browser.context.setOffline(false)
await offline.close()

console.log('stop')
await lines.next()
said.down = await notices(waiting, /does not answer/)
console.log('start')
await lines.next()
await waiting.locator('.notice', { hasText: 'No one' }).waitFor() // it has announced again
report({ said })
await browser.close()
process.stdin.destroy()
