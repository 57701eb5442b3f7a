// A download is reloaded in the middle and goes on; another browser downloads from both others.
// Usage: node sharing_resume.mjs CHROMIUM SITE OTHER_SITE FILE
//
// Writes the shares of the file before and right after the reload, digests of what was saved, how
// much the first browser sent until the reloaded page was complete, and what a page that is opened
// again shows when nobody shares any more.

import { at, browse, digest, downloaded, report, saved, share } from './sharing.mjs'

const [chromium, site, other, file] = process.argv.slice(2)

const progress = (page) => page.evaluate(() => document.getElementById('bar').value)

const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver')
const second = await browse(chromium, 'second')
const link = at(other, await share(sharer.page, site, file))

await receiver.page.goto(link)
await receiver.page.waitForFunction(() => document.getElementById('bar').value > 0.3)
const before = await progress(receiver.page)
await receiver.page.reload()
// It shows progress once what is there has been checked.
await receiver.page.waitForFunction(() => document.getElementById('bar').value > 0)
const after = await progress(receiver.page)
await downloaded(receiver.page, 60_000)
await sharer.page.waitForFunction(() => document.getElementById('complete').textContent === '1')
const sent = await sharer.page.textContent('#uploaded')
const first = await digest((await saved(receiver.page)).path)

await second.page.goto(at(site, link))
await downloaded(second.page, 60_000)
const others = await digest((await saved(second.page)).path)

await sharer.close()
await second.close()
await receiver.page.reload() // nobody else is there
await downloaded(receiver.page)
const again = await digest((await saved(receiver.page)).path)
const kept = await receiver.page.textContent('#kept-summary')
await receiver.page.click('#kept-summary')
await receiver.page.click('#kept-list button')
await receiver.page.locator('#kept').waitFor({ state: 'hidden' })
const left = await receiver.page.evaluate(async () => {
  const root = await navigator.storage.getDirectory()
  const downloads = await root.getDirectoryHandle('downloads')
  return Array.fromAsync(downloads.keys())
})
report({ before, after, sent, first, second: others, again, kept, left })
await receiver.close()
