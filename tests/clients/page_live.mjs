// Reads numbers of a page whenever they change, until standard input ends.
// Usage: node page_live.mjs CHROMIUM-ENDPOINT URL NAME ...
//
// Writes a line of JSON for each state: the text of each `data-live` element by its name.

import { once } from 'node:events'
import { chromium } from 'playwright-core'

const [endpoint, url, ...names] = process.argv.slice(2)
const browser = await chromium.connect(endpoint)
const page = await browser.newPage()
page.on('console', message => console.error(message.text()))
page.on('pageerror', error => console.error(String(error)))
await page.exposeFunction('report', state => console.log(JSON.stringify(state)))
await page.goto(url)
await page.evaluate(names => {
  let before
  function look () {
    const state = Object.fromEntries(
      names.map(name => [name, document.querySelector(`[data-live="${name}"]`).textContent])
    )
    const text = JSON.stringify(state)
    if (text !== before) window.report(state)
    before = text
  }
  look()
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
}, names)
await once(process.stdin.resume(), 'end')
await browser.close()
