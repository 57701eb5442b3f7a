// What the scripts that open the example website share: its server, and pages of viewers.

import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'

const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.webm': 'video/webm' }
const BYTES_PER_S = 150_000 // of the video, twice what playing takes
const CHUNK = 16_384

async function send (directory, refusing, request, response) {
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

/**
 * Serve the website until `close`; with `refusing` set, the server refuses the video.
 *
 * @param {string} directory of the website.
 * @param {number} port on this machine.
 */
export async function videoSite (directory, port) {
  const site = { url: `http://127.0.0.1:${port}/`, refusing: false, close: () => server.close() }
  const server = createServer((request, response) => {
    send(directory, site.refusing, request, response).catch(
      () => response.headersSent ? response.destroy() : response.writeHead(404).end()
    )
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return site
}

/**
 * Open the page as another viewer: pages of one context share what has arrived.
 *
 * @param {Browser} browser of Playwright.
 * @param {string} url of the website.
 * @param {string} name for messages.
 * @param {{options?: Object, problems: string[]}} settings `options` of the context; `problems`
 *   receives errors of the page.
 */
export async function openAsViewer (browser, url, name, { options = {}, problems }) {
  // Only a page that may record sees all addresses of this machine, which may be loopback alone.
  const context = await browser.newContext({ permissions: ['microphone'], ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => problems.push(`${name}: ${error}`))
  page.on('console', (message) => {
    console.error(`${name}: ${message.text()}`)
    if (message.text().includes('Content Security Policy')) problems.push(message.text())
  })
  await page.goto(url)
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
export async function until (page, holds) {
  for (;;) {
    const all = await numbers(page)
    if (holds(all)) return all
    await pause(100)
  }
}
