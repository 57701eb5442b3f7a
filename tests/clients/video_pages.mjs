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
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium } from 'playwright-core'

const [endpoint, directory, port] = process.argv.slice(2)
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.webm': 'video/webm' }
const BYTES_PER_S = 150_000 // of the video, twice what playing takes
const CHUNK = 16_384
let refusing = false // whether the server refuses the video

async function send (request, response) {
  const { pathname } = new URL(request.url, 'http://localhost')
  const path = join(directory, pathname === '/' ? 'index.html' : pathname)
  const { size } = await stat(path)
  const video = extname(path) === '.webm'
  if (video && refusing) return response.writeHead(503).end()
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
  const start = Number(first ?? 0)
  const end = Math.min(Number(last || size), size - 1)
  response.writeHead(first ? 206 : 200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-length': end - start + 1,
    'accept-ranges': 'bytes',
    ...(first && { 'content-range': `bytes ${start}-${end}/${size}` })
  })
  const file = createReadStream(path, { start, end, highWaterMark: CHUNK })
  await pipeline(video ? Readable.from(slowly(file)) : file, response)
}

async function * slowly (file) {
  for await (const chunk of file) {
    await pause(chunk.length / BYTES_PER_S * 1000)
    yield chunk
  }
}

const server = createServer((request, response) => {
  send(request, response).catch(() => response.headersSent ? response.destroy() : response.writeHead(404).end())
})
await once(server.listen(port, '127.0.0.1'), 'listening')
const browser = await chromium.connect(endpoint)
const problems = []

/** Open the page as another viewer: pages of one context share what has arrived. */
async function open (name) {
  // Only a page that may record sees all addresses of this machine, which may be loopback alone.
  const context = await browser.newContext({ permissions: ['microphone'] })
  const page = await context.newPage()
  page.on('pageerror', (error) => problems.push(`${name}: ${error}`))
  page.on('console', (message) => {
    console.error(`${name}: ${message.text()}`)
    if (message.text().includes('Content Security Policy')) problems.push(message.text())
  })
  await page.goto(`http://127.0.0.1:${port}/`)
  return page
}

const numbers = (page) => page.evaluate(() => {
  const number = (id) => Number.parseFloat(document.getElementById(id).textContent)
  return {
    viewers: number('viewers'),
    fromViewers: number('from-viewers'),
    fromServer: number('from-server'),
    passedOn: number('passed-on'),
    tracker: document.getElementById('tracker').textContent,
    at: document.querySelector('video').currentTime
  }
})

/** Wait until the numbers of a page are so, and return them. */
async function until (page, holds) {
  for (;;) {
    const all = await numbers(page)
    if (holds(all)) return all
    await pause(100)
  }
}

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

refusing = true
const third = await open('third')
const arrived = await until(third, ({ at, fromViewers }) => at > 1 && fromViewers > 0.5)
await step({ arrived, problems })

await browser.close()
server.close()
process.stdin.destroy()
