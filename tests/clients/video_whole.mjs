// A Chromium page of the example website, on a server that sends whole files only. Usage:
// node video_whole.mjs BROWSER PAGE VIDEO
//
// BROWSER: the address that `chromium.mjs` writes.
// PAGE, VIDEO: their URLs.
// Writes a line of JSON after the page has played a second of the video, and ends.

import { chromium } from 'playwright-core'

const [endpoint, address, video] = process.argv.slice(2)
const browser = await chromium.connect(endpoint)
const page = await browser.newPage()
page.on('console', (message) => console.error(message.text()))
let loads = 0 // of the video, by scripts: what the video element loads itself does not count
page.on('request', (request) => {
  if (request.url() === video && request.resourceType() === 'fetch') loads += 1
})
await page.goto(address)
await page.waitForFunction(() => document.querySelector('video').currentTime > 1)
const [source, tracker] = await page.evaluate(() => [
  document.querySelector('video').src,
  document.getElementById('tracker').textContent
])
console.log(JSON.stringify({ source, tracker, loads }))
await browser.close()
