// What the scripts that drive pages share: a website on this machine, and pages that open it.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const PACKAGES = '/node_modules/' // of npm, served as they are
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript' }

async function packaged (path) {
  const file = fileURLToPath(new URL(`.${path}`, import.meta.url))
  return [TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file)]
}

/**
 * Serve a website until `close`.
 *
 * @param {string} html the page at `/`.
 * @param {Object<string, Buffer>} content further paths, and the bytes there.
 * @param {number} port 0: any free one.
 * @param {Object<string, string>} headers of each response.
 */
export async function website (html, content = {}, port = 0, headers = {}) {
  async function find (path) {
    if (path === '/') return ['text/html', html]
    if (path in content) return ['application/octet-stream', content[path]]
    if (path.startsWith(PACKAGES)) return packaged(path)
    throw new Error(`no such path: ${path}`)
  }
  const server = createServer((request, response) => {
    find(new URL(request.url, 'http://localhost').pathname).then(
      ([type, body]) => response.writeHead(200, { ...headers, 'content-type': type }).end(body),
      () => response.writeHead(404).end()
    )
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() }
}

/**
 * Connect to the Chromium that `chromium.mjs` started; returns what opens and closes pages.
 *
 * Errors and messages of pages go to standard error, each with the name of its page.
 */
export async function pagesOf (endpoint) {
  const browser = await chromium.connect(endpoint)
  // Only a page that may record sees all addresses of this machine, which may be loopback alone.
  const context = await browser.newContext({ permissions: ['microphone'] })

  async function open (url, name) {
    const page = await context.newPage()
    page.on('console', (message) => console.error(`${name}: ${message.text()}`))
    page.on('pageerror', (error) => console.error(`${name}: ${error}`))
    await page.goto(url)
    await page.waitForFunction(() => window.ready)
    return page
  }

  return { open, close: () => browser.close() }
}

/** A script of a page: `sha256(bytes)` returns the digest in hex. */
export const SHA256 = `
  window.sha256 = async (bytes) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }`
