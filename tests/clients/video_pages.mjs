// Chromium pages of the example website play its video. Usage:
// node video_pages.mjs BROWSER DIRECTORY PORT
//
// BROWSER: the address that `chromium.mjs` writes.
// DIRECTORY: the website.
// PORT: of the website, on this machine.
// Writes a line of JSON for each step, and waits for a line after it:
// 1. one page plays without any other;
// 2. a second page takes part of the video from the first one;
// 3. the tracker has ended: both still play;
// 4. the tracker is there again: a third page gets the video although the server refuses it.

import { once } from 'node:events'
import { chromium } from 'playwright-core'
import { openAsViewer, until, videoSite } from './video_site.mjs'

const [endpoint, directory, port] = process.argv.slice(2)
const site = await videoSite(directory, Number(port))
const browser = await chromium.connect(endpoint)
const problems = []
const open = (name) => openAsViewer(browser, site.url, name, { problems })

async function step (report) {
  console.log(JSON.stringify(report))
  await once(process.stdin, 'data')
}

const first = await open('first')
await step(await until(first, ({ at, fromServer }) => at > 1 && fromServer > 0))

const second = await open('second')
await step(await until(second, ({ at, fromViewers }) => at > 1 && fromViewers > 0.5))

const lost = await until(second, ({ tracker }) => tracker === 'unreachable')
const still = await until(second, ({ at }) => at > lost.at + 2)
await step({ lost, still })

site.refusing = true
const third = await open('third')
const arrived = await until(third, ({ at, fromViewers }) => at > 1 && fromViewers > 0.5)
await step({ arrived, problems })

await browser.close()
site.close()
process.stdin.destroy()
