// One browser shares files, another downloads them through another frontend, and saves them.
// Usage: node sharing_transfer.mjs CHROMIUM SITE OTHER_SITE COPY HOW PATH...
//
// COPY: where a copy of what was saved goes.
// HOW: `choose` files, choose a `folder`, or `drop` any of them.
// Writes the name of what was saved, what the page of the sharer shows, its notices about the link,
// and the dialog that keeps its
// tab from being closed.

import { copyFile } from 'node:fs/promises'
import { at, browse, downloaded, drop, linkOf, report, saved, share } from './sharing.mjs'

const [chromium, site, other, copy, how, ...paths] = process.argv.slice(2)

const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver')
let link
if (how === 'drop') {
  await sharer.page.goto(`${site}share`)
  await sharer.page.locator('#choose-files').waitFor()
  await drop(sharer.page, paths)
  link = await linkOf(sharer.page)
} else {
  link = await share(sharer.page, site, how === 'folder' ? paths[0] : paths, how === 'folder' ? '#folder' : '#files')
}
await receiver.page.goto(at(other, link))
await downloaded(receiver.page)
const { path, name } = await saved(receiver.page)
await copyFile(path, copy)
await sharer.page.waitForFunction(() => document.getElementById('complete').textContent === '1')
const [dialog] = await Promise.all([
  sharer.page.waitForEvent('dialog'),
  sharer.page.close({ runBeforeUnload: true })
])
const warned = dialog.type()
await dialog.dismiss() // the tab stays open
report({
  name,
  warned,
  notices: await sharer.page.locator('#link-notices .notice').allInnerTexts(),
  link,
  title: await receiver.page.textContent('#name'),
  about: await receiver.page.textContent('#about'),
  files: await receiver.page.locator('#files .name').allTextContents(),
  uploaded: await sharer.page.textContent('#uploaded')
})
await Promise.all([sharer.close(), receiver.close()])
