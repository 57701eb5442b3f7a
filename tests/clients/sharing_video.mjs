// A video starts to play before it is complete, and an image is shown.
// Usage: node sharing_video.mjs CHROMIUM SITE OTHER_SITE FOLDER SIZE
//
// FOLDER: where the video is made, in the browser itself; it is padded to SIZE bytes.
// Writes how much of the video had arrived when it had played for a while.

import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { at, browse, report, share } from './sharing.mjs'

const [chromium, site, other, folder, size] = process.argv.slice(2)

const sharer = await browse(chromium, 'sharer')
const receiver = await browse(chromium, 'receiver')

/** Record a few seconds of a moving square. */
async function record (page) {
  const base64 = await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d')
    let frame = 0
    const timer = setInterval(() => {
      context.fillStyle = `hsl(${frame++ % 360} 80% 50%)`
      context.fillRect(0, 0, canvas.width, canvas.height)
    }, 40)
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm' })
    const parts = []
    recorder.ondataavailable = ({ data }) => parts.push(data)
    recorder.start(500)
    await new Promise((resolve) => setTimeout(resolve, 4000))
    const stopped = new Promise((resolve) => { recorder.onstop = resolve })
    recorder.stop()
    await stopped
    clearInterval(timer)
    return new Uint8Array(await new Blob(parts).arrayBuffer()).toBase64()
  })
  return Buffer.from(base64, 'base64')
}

await sharer.page.goto(`${site}share`)
const recording = await record(sharer.page)
const padding = Buffer.alloc(9) // the header of a Void element (RFC 8794, section 11.3.2)
padding.writeBigUInt64BE(BigInt(size - recording.length - 9), 1)
padding[0] = 0xEC
padding[1] = 0x01
const file = join(folder, 'film.webm')
await writeFile(file, Buffer.concat([recording, padding]))
await truncate(file, Number(size))

await receiver.page.goto(at(other, await share(sharer.page, site, file)))
await receiver.page.locator('video').waitFor()
await receiver.page.evaluate(() => document.querySelector('video').play())
await receiver.page.waitForFunction(() => document.querySelector('video').currentTime > 1)
report(await receiver.page.evaluate(() => ({
  played: document.querySelector('video').currentTime,
  width: document.querySelector('video').videoWidth,
  arrived: document.getElementById('bar').value,
  complete: !document.getElementById('done').hidden
})))
await Promise.all([sharer.close(), receiver.close()])
