// A large file goes from one tab to another, and to disk, and neither tab holds it in memory.
// Usage: node sharing_memory.mjs CHROMIUM SITE OTHER_SITE FILE
//
// Writes the digest of what was saved, the time, and the most memory of each tab's process, in
// bytes: of the sharer also until it was prepared, of the receiver until it was complete.

import { readdir, readFile } from 'node:fs/promises'
import { at, browse, digest, downloaded, linkOf, report, saved } from './sharing.mjs'

const [chromium, site, other, file] = process.argv.slice(2)
const HOUR_MS = 3_600_000
const SAMPLE_MS = 500

const commandOf = (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')

/** Whether a process belongs to the browser with a profile. */
async function belongs (pid, profile) {
  while (pid > 1) {
    if ((await commandOf(pid)).includes(profile)) return true
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    pid = Number(/PPid:\s+(\d+)/.exec(status)?.[1] ?? 0)
  }
  return false
}

/** Find the processes that render the pages of a browser. */
async function renderers (profile) {
  const found = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const renders = (await commandOf(pid)).includes('--type=renderer')
    if (renders && await belongs(Number(pid), profile)) found.push(pid)
  }
  return found
}

async function residentOf (pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** Watch all processes of a browser; the largest is that of its tab. */
async function watched (name) {
  const browser = await browse(chromium, name)
  let most = 0
  const timer = setInterval(async () => { // a page may move to another process
    const sizes = await Promise.all((await renderers(browser.profile)).map(residentOf))
    most = Math.max(most, ...sizes)
  }, SAMPLE_MS)
  browser.context.on('close', () => clearInterval(timer))
  return { ...browser, most: () => most }
}

const sharer = await watched('sharer')
await sharer.page.goto(`${site}share`)
await sharer.page.locator('#choose-files').waitFor()
await sharer.page.setInputFiles('#files', file)
const link = await linkOf(sharer.page, HOUR_MS)
const preparing = sharer.most()
const receiver = await watched('receiver')
const started = performance.now()
await receiver.page.goto(at(other, link))
await downloaded(receiver.page, HOUR_MS)
const seconds = (performance.now() - started) / 1000
const downloading = receiver.most()
const sha256 = await digest((await saved(receiver.page)).path)
report({ sha256, seconds, preparing, sharer: sharer.most(), downloading, receiver: receiver.most() })
await Promise.all([sharer.close(), receiver.close()])
