// Two browsers that may connect through a relay alone: `?relay`.
// Usage: node sharing_relay.mjs CHROMIUM SITE FILE COPY
//
// Writes the kinds of addresses that the downloading page was connected by, and the sentences about
// the connection that each page shows.

import { copyFile } from 'node:fs/promises'
import { browse, downloaded, report, saved, share } from './sharing.mjs'

const [chromium, site, file, copy] = process.argv.slice(2)

const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver')
const wording = (page) => page.evaluate(() => {
  const all = [...document.querySelectorAll('[data-connection]')]
  return all.filter(({ hidden }) => !hidden).map(({ textContent }) => textContent)
})
await sharer.page.goto(`${site}share`)
await sharer.page.locator('#choose-files:enabled').waitFor()
const direct = await wording(sharer.page)
const link = await share(sharer.page, site, file, '#files', '?relay')
await receiver.page.addInitScript(() => {
  const Connection = window.RTCPeerConnection
  window.connections = []
  window.RTCPeerConnection = class extends Connection {
    constructor (...options) {
      super(...options)
      window.connections.push(this)
    }
  }
})
await receiver.page.goto(link.replace('get#', 'get?relay#'))
await downloaded(receiver.page, 60_000)
const types = await receiver.page.evaluate(async () => {
  const types = new Set()
  for (const connection of window.connections) {
    if (connection.connectionState !== 'connected') continue
    for (const { type, candidateType } of (await connection.getStats()).values()) {
      if (type === 'local-candidate') types.add(candidateType)
    }
  }
  return [...types]
})
await copyFile((await saved(receiver.page)).path, copy)
report({
  types,
  wording: { direct, share: await wording(sharer.page), get: await wording(receiver.page) }
})
await Promise.all([sharer.close(), receiver.close()])
