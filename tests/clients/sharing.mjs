// What the scripts that drive /share and /get have in common: browsers of their own, with storage on
// disk, and what a page must never do.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--allow-loopback-in-peer-connection',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run'
]
const PATIENCE_MS = 30_000

/** What went wrong on pages, or must not happen at all: errors, and requests to other hosts. */
export const problems = []

/**
 * Start a browser. One that is not private keeps what pages store on disk, as a user's does.
 *
 * @param {string} executablePath of Chromium.
 * @param {string} name for messages.
 * @param {{options?: Object, hosts?: string[], ignore?: RegExp, flags?: string[]}} settings
 *   `options` of Playwright; `hosts` that pages may ask; `ignore`: messages that are no problem.
 */
export async function browse (executablePath, name, settings = {}) {
  const { options = {}, hosts = ['127.0.0.1', 'localhost'], ignore, flags = [] } = settings
  const profile = await mkdtemp(join(tmpdir(), 'sharing-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: [...FLAGS, ...flags],
    chromiumSandbox: false,
    // Only a page that may record sees all addresses of this machine, which may be loopback alone.
    permissions: ['microphone', 'clipboard-read', 'clipboard-write'],
    ...options
  })
  context.setDefaultTimeout(PATIENCE_MS)

  function watch (page) {
    const report = (text) => { if (!ignore?.test(text)) problems.push(`${name}: ${text}`) }
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) report(`${message.text()} ${message.location().url}`)
    })
    page.on('pageerror', (error) => report(error.stack ?? String(error)))
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url())
      if (/^(http|ws)/.test(protocol) && !hosts.includes(hostname)) report(`asked ${hostname}`)
    })
    return page
  }

  context.on('page', watch)
  return {
    profile,
    context,
    page: watch(context.pages()[0]),
    open: () => context.newPage(),
    async close () {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    }
  }
}

/** Open /share, and choose files; returns the link when they are shared. */
export async function share (page, site, files, input = '#files', query = '') {
  await page.goto(`${site}share${query}`)
  await page.locator('#choose-files').waitFor()
  await page.setInputFiles(input, files)
  return linkOf(page)
}

/** Wait until files are shared; returns the link. */
export async function linkOf (page, timeout = PATIENCE_MS) {
  await page.locator('#shared').waitFor({ timeout })
  return page.inputValue('#link')
}

/** Drop files and folders of this machine on a page, as from a file manager. */
export async function drop (page, paths) {
  const devtools = await page.context().newCDPSession(page)
  const box = await page.locator('#drop').boundingBox()
  const where = { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2) }
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await devtools.send('Input.dispatchDragEvent', { type, ...where, data })
  }
  await devtools.detach()
}

/** Wait until a download is complete. */
export async function downloaded (page, timeout = PATIENCE_MS) {
  await page.locator('#done').waitFor({ timeout })
}

/** Click a button that saves; returns the path and the name of what was saved. */
export async function saved (page, button = '#save') {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)])
  const failure = await download.failure()
  if (failure) throw new Error(`not saved: ${failure}`)
  return { path: await download.path(), name: download.suggestedFilename() }
}

/** Return the SHA-256 of a file, in hex. */
export async function digest (path) {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

/** Return the link as another frontend serves it. */
export function at (site, link) {
  return `${site}get${link.slice(link.indexOf('#'))}`
}

/** Return the modules of a page as URLs: name -> URL. */
export function moduleUrl (page, name) {
  return page.evaluate((name) => {
    const { src } = document.querySelector('script[src$="/share.js"], script[src$="/get.js"]')
    return new URL(name, src).href
  }, name)
}

/** Write what a test looks at, and what went wrong on pages. */
export function report (facts) {
  console.log(JSON.stringify({ ...facts, problems }))
}
