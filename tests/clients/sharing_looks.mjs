// /share and /get in each of their states, at three widths, light and dark: what axe finds, and
// whether anything is wider than the window.
// Usage: node sharing_looks.mjs CHROMIUM SITE LARGE_FILE PICTURE FOLDER [PICTURES]
//
// LARGE_FILE: so large that it is still prepared, or on its way, while the page is looked at.
// PICTURES: a folder for a picture of each.
// Writes what is wrong, the text of the QR code, and the link.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import jsQR from 'jsqr'
import { browse, downloaded, linkOf, report } from './sharing.mjs'

const [chromium, site, large, picture, folder, pictures] = process.argv.slice(2)
const WIDTHS = [360, 768, 1280]
const axe = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const SERIOUS = ['serious', 'critical']

const found = []
const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver')

async function look (page, state) {
  await page.evaluate(axe)
  for (const colorScheme of ['light', 'dark']) {
    // Without transitions: a colour on its way to another one has no contrast.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 })
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (wide > 0) found.push(`${state} at ${width}: ${wide} pixels too wide`)
      if (pictures) {
        await page.screenshot({ path: `${pictures}/${state}-${width}-${colorScheme}.png`, fullPage: true })
      }
    }
    const { violations } = await page.evaluate(() => window.axe.run())
    for (const { id, impact, nodes } of violations) {
      if (SERIOUS.includes(impact)) found.push(`${state}, ${colorScheme}: ${id} ${nodes.map(({ html }) => html)}`)
    }
  }
}

async function open (page, path, ready) {
  await page.goto('about:blank')
  await page.goto(`${site}${path}`)
  await page.locator(ready).waitFor()
}

/** Choose files, and wait for the link. */
async function shared (files, input = '#files') {
  await open(sharer.page, 'share', '#choose-files')
  await sharer.page.setInputFiles(input, files)
  return (await linkOf(sharer.page, 60_000)).slice(site.length)
}

await open(sharer.page, 'share', '#choose-files')
await look(sharer.page, 'share-choose')
await sharer.page.setInputFiles('#files', large)
await sharer.page.locator('#prepare').waitFor()
await look(sharer.page, 'share-preparing')
const link = (await linkOf(sharer.page, 60_000)).slice(site.length)
await sharer.page.waitForFunction(() => document.getElementById('shared-status').textContent.startsWith('Ready'))
await look(sharer.page, 'share-ready')
const pixels = await sharer.page.evaluate(() => {
  const { width, height } = document.getElementById('qr')
  const large = document.createElement('canvas')
  large.width = width * 4
  large.height = height * 4
  const context = large.getContext('2d')
  context.imageSmoothingEnabled = false
  context.drawImage(document.getElementById('qr'), 0, 0, large.width, large.height)
  return { data: [...context.getImageData(0, 0, large.width, large.height).data], width: large.width, height: large.height }
})
const code = jsQR(Uint8ClampedArray.from(pixels.data), pixels.width, pixels.height)?.data

await open(receiver.page, link, '#progress')
await receiver.page.waitForFunction(() => document.getElementById('bar').value > 0.05)
await look(receiver.page, 'get-downloading')
await sharer.page.click('details summary')
await look(sharer.page, 'share-sending')
await sharer.page.goto('about:blank')
await open(receiver.page, `get#${'d'.repeat(40)}&dn=report.pdf`, '.notice')
await look(receiver.page, 'get-absent')

await open(receiver.page, await shared(picture), '#done')
await receiver.page.locator('img').waitFor()
await look(receiver.page, 'get-picture')
await open(receiver.page, await shared(folder, '#folder'), '#done')
await downloaded(receiver.page)
await receiver.page.click('#kept-summary')
await look(receiver.page, 'get-folder')
await open(receiver.page, 'get#tooshort', '#wrong')
await look(receiver.page, 'get-wrong')
report({ found, code, link: site + link.split('&')[0] })
await Promise.all([sharer.close(), receiver.close()])
