// Looks at pages as people meet them: colour schemes, widths, without scripts.
// Usage: node page_audit.mjs CHROMIUM-ENDPOINT URL PATH ...
//
// Writes one line of JSON for each visit.

import { readFile } from 'node:fs/promises'
import { chromium } from 'playwright-core'

const [endpoint, url, ...paths] = process.argv.slice(2)
const axe = await readFile(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const browser = await chromium.connect(endpoint)
for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 768, 1280]) {
    for (const path of paths) await visit({ colorScheme, width, path })
  }
}
for (const path of paths) await visit({ colorScheme: 'light', width: 1280, path, scripts: false })
await browser.close()

async function visit ({ colorScheme, width, path, scripts = true }) {
  const viewport = { width, height: 800 }
  const context = await browser.newContext({ colorScheme, viewport, javaScriptEnabled: scripts })
  const page = await context.newPage()
  const errors = []
  const hosts = new Set()
  const sizes = []
  page.on('console', message => ['error', 'warning'].includes(message.type()) && errors.push(message.text()))
  page.on('pageerror', error => errors.push(String(error)))
  page.on('request', request => hosts.add(new URL(request.url()).host))
  page.on('requestfinished', request => sizes.push(request.sizes()))
  const response = await page.goto(url + path)
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth
  )
  const violations = scripts ? await audit(page) : []
  const weight = (await Promise.all(sizes)).reduce(
    (sum, each) => sum + each.responseBodySize + each.responseHeadersSize, 0
  )
  console.log(JSON.stringify({
    path,
    colorScheme,
    width,
    scripts,
    status: response.status(),
    errors,
    hosts: [...hosts],
    overflow,
    violations,
    weight,
    text: await page.locator('main').innerText()
  }))
  await context.close()
}

// What axe-core calls serious or critical, and where.
async function audit (page) {
  await page.evaluate(axe) // not bound by the page's policy
  const { violations } = await page.evaluate(() => window.axe.run(document))
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html.slice(0, 200)).join(' ')}`)
}
