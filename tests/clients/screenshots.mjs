// Takes pictures of pages. Usage: node screenshots.mjs CHROMIUM-ENDPOINT FOLDER
//
// Reads lines of JSON: name of the file, url, width, height (null: the whole page), colorScheme,
// scale. Writes a line when each is done.

import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const [endpoint, folder] = process.argv.slice(2)
const browser = await chromium.connect(endpoint)
for await (const line of createInterface({ input: process.stdin })) {
  const { name, url, width, height, colorScheme, scale } = JSON.parse(line)
  const context = await browser.newContext({
    colorScheme, viewport: { width, height: height ?? 800 }, deviceScaleFactor: scale
  })
  const page = await context.newPage()
  await page.goto(url)
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: `${folder}/${name}`, fullPage: height === null })
  await context.close()
  console.log(name)
}
await browser.close()
