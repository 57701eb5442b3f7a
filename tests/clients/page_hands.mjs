// Uses the front page by keyboard and mouse. Usage: node page_hands.mjs CHROMIUM-ENDPOINT URL
//
// Writes JSON: what takes the focus, by tabs from the top, and what each copy button copies.

import { chromium } from 'playwright-core'

const [endpoint, url] = process.argv.slice(2)
const browser = await chromium.connect(endpoint)
const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
const page = await context.newPage()
await page.goto(url)

const focused = []
for (let tabs = 0; tabs < 9; tabs++) {
  await page.keyboard.press('Tab')
  focused.push(await page.evaluate(() => {
    const { innerText, offsetTop } = document.activeElement
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
    return { text: innerText.trim(), outline: `${outlineStyle} ${outlineWidth}`, top: offsetTop }
  }))
}

const copied = []
for (const button of await page.locator('.copy').all()) {
  await button.click()
  await page.waitForFunction(each => each.classList.contains('done'), await button.elementHandle())
  copied.push({
    text: await page.evaluate(() => navigator.clipboard.readText()),
    label: await button.innerText()
  })
}
console.log(JSON.stringify({ focused, copied }))
await browser.close()
