// One headless Chromium for all tests that open pages. Usage: node chromium.mjs CHROMIUM
//
// Writes the address that `pages.mjs` connects to, and ends when its standard input does.

import { once } from 'node:events'
import { chromium } from 'playwright-core'

const [executablePath] = process.argv.slice(2)
const FLAGS = [
  '--allow-loopback-in-peer-connection',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run'
]

const server = await chromium.launchServer({ executablePath, args: FLAGS, chromiumSandbox: false })
console.log(server.wsEndpoint())
await once(process.stdin.resume(), 'end')
await server.close()
