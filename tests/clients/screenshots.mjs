// Takes pictures of pages. Usage: node screenshots.mjs CHROMIUM FOLDER URL NAME[=PATH] ...
// Each page at three widths, light and dark: FOLDER/NAME-WIDTH-SCHEME.png

import { chromium } from 'playwright-core'

const [executablePath, folder, url, ...pages] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'], chromiumSandbox: false })
for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 768, 1280]) {
    const context = await browser.newContext({
      colorScheme, viewport: { width, height: 800 }, deviceScaleFactor: width === 360 ? 2 : 1
    })
    const page = await context.newPage()
    for (const each of pages) {
      const [name, path] = each.split('=')
      await page.goto(url + path)
      await page.waitForTimeout(500)
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true })
    }
    await context.close()
  }
}
await browser.close()
