// Takes the pictures of the guide to sharing. Usage: node sharing_pictures.mjs CHROMIUM PORT FOLDER FILE
//
// PORT: of a tracker on this machine, which the browsers reach, and trust, as tracker.example.
// FILE: a picture, which one browser shares and the other downloads.

import { join } from 'node:path'
import { browse, downloaded, report, share } from './sharing.mjs'

const [chromium, port, folder, file] = process.argv.slice(2)
const SITE = `http://tracker.example:${port}/`
const settings = {
  hosts: ['tracker.example'],
  flags: ['--host-resolver-rules=MAP tracker.example 127.0.0.1', `--unsafely-treat-insecure-origin-as-secure=${SITE}`],
  options: { viewport: { width: 960, height: 760 } }
}

const sharer = await browse(chromium, 'sharer', settings)
const receiver = await browse(chromium, 'receiver', settings)
const link = await share(sharer.page, SITE, file)
await receiver.page.goto(link)
await downloaded(receiver.page)
await receiver.page.waitForFunction(() => document.querySelector('img')?.complete)
await sharer.page.waitForFunction(() => document.getElementById('complete').textContent === '1')
await sharer.page.screenshot({ path: join(folder, 'share.png') })
await receiver.page.screenshot({ path: join(folder, 'get.png') })
report({})
await Promise.all([sharer.close(), receiver.close()])
