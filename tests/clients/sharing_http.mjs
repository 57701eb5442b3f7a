// Pages that were opened over plain HTTP from another machine: no storage, no service worker, and no
// `crypto.subtle`; files go through memory.
// Usage: node sharing_http.mjs CHROMIUM HOST PORT FILE COPY
//
// HOST: a name that the browsers take for this machine, and that is no secure origin.
// Writes whether the page was a secure context, and the notices about the link.

import { copyFile } from 'node:fs/promises'
import { browse, downloaded, report, saved, share } from './sharing.mjs'

const [chromium, host, port, file, copy] = process.argv.slice(2)
const settings = { hosts: [host], flags: [`--host-resolver-rules=MAP ${host} 127.0.0.1`] }

const sharer = await browse(chromium, 'sharer', settings)
const receiver = await browse(chromium, 'receiver', settings)
const link = await share(sharer.page, `http://${host}:${port}/`, file)
await receiver.page.goto(link)
await downloaded(receiver.page)
const { path, name } = await saved(receiver.page)
await copyFile(path, copy)
const notices = await sharer.page.locator('#link-notices .notice').allInnerTexts()
report({ name, link, notices, secure: await receiver.page.evaluate(() => window.isSecureContext) })
await Promise.all([sharer.close(), receiver.close()])
