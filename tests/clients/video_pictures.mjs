// Takes the picture of the guide to video sites. Usage: node video_pictures.mjs BROWSER DIRECTORY PORT FILE
//
// BROWSER: the address that `chromium.mjs` writes.
// DIRECTORY: the website.
// PORT: of the website, on this machine.
// FILE: receives the pages of two viewers, side by side.

import { chromium } from 'playwright-core'
import { openAsViewer, until, videoSite } from './video_site.mjs'

const [endpoint, directory, port, file] = process.argv.slice(2)
const options = { viewport: { width: 560, height: 510 }, colorScheme: 'light' }
const HEAD_START_S = 12 // that the first viewer is ahead of the second one

const site = await videoSite(directory, Number(port))
const browser = await chromium.connect(endpoint)
const problems = []
const open = (name) => openAsViewer(browser, site.url, name, { options, problems })

const first = await open('first')
await until(first, ({ at }) => at > HEAD_START_S)
const second = await open('second')
await until(second, ({ at, fromServer, fromViewers }) => at > 4 && fromViewers > 2 * fromServer)
await until(first, ({ passedOn }) => passedOn > 0)
const pictures = await Promise.all([first, second].map((page) => page.screenshot()))

const figures = pictures.map((picture, at) => `<figure><figcaption>${['First', 'Second'][at]} viewer</figcaption>
  <img src="data:image/png;base64,${picture.toString('base64')}"></figure>`)
const both = await browser.newPage({ viewport: { width: 1172, height: 576 } })
await both.setContent(`<!doctype html><style>
  body { margin: 0; display: flex; gap: 20px; padding: 16px 14px; background: #f6f8fa }
  figure { margin: 0 }
  figcaption { font: 600 16px/24px system-ui, sans-serif; margin-bottom: 8px }
  img { display: block; border: 1px solid #d0d7de; border-radius: 8px }
</style>${figures.join('')}`)
await both.screenshot({ path: file, fullPage: true })
console.log(JSON.stringify({ problems }))
await browser.close()
site.close()
