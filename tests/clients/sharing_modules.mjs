// The modules of the pages that compute, called with what pages hardly meet.
// Usage: node sharing_modules.mjs CHROMIUM SITE
//
// Writes results by name; bytes in base64.

import { browse, moduleUrl, report } from './sharing.mjs'

const [chromium, site] = process.argv.slice(2)
const { page, close } = await browse(chromium, 'page')
await page.goto(`${site}share`)
await page.locator('#choose-files').waitFor()

report(await page.evaluate(async (base) => {
  const load = (name) => import(`${base}${name}.js`)
  const { sha1 } = await load('sha1')
  const { crc32 } = await load('crc32')
  const { bencode, infoOf, pieceLength } = await load('torrent_file')
  const { opensHereAlone, parseLink } = await load('link')
  const { savedName, savedPath, shownName } = await load('names')
  const { distinct, zip } = await load('zip')
  const { DiskStore } = await load('disk_store')
  const { parseRange } = await load('stream')
  const { diagnose } = await load('diagnosis')
  const { duration, percent, size, speed } = await load('format')

  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index * 7)
  const sums = []
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const part = bytes.subarray(0, length)
    const expected = new Uint8Array(await crypto.subtle.digest('SHA-1', part))
    sums.push([sha1(part).toHex(), expected.toHex(), crc32(part), crc32(part.subarray(5), crc32(part.subarray(0, 5)))])
  }

  const file = (path, content) => ({ path, crc: crc32(content), content: new Blob([content]) })
  const archive = async (entries) => {
    const blob = zip(distinct(entries))
    return new Uint8Array(await blob.arrayBuffer()).toBase64()
  }
  // As a torrent may have: a hundred thousand files of one name.
  const namesakes = () => {
    const entries = Array.from({ length: 100_000 }, () => ({ path: 'a.txt' }))
    return new Set(distinct(entries).map(({ path }) => path)).size
  }
  // A peer asks for a block of each piece at once, and takes none of them.
  const greedy = async () => {
    let reading = 0
    let most = 0
    const piece = {
      async arrayBuffer () {
        most = Math.max(most, ++reading)
        await new Promise((resolve) => setTimeout(resolve))
        reading--
        return new ArrayBuffer(65536)
      }
    }
    const store = new DiskStore({ slice: () => piece }, 65536, console.error)
    const blocks = await Promise.all(Array.from({ length: 50 }, (_, index) => new Promise((resolve) => {
      store.get(index, { offset: 16384, length: 16384 }, (_, block) => resolve(block.buffer.byteLength))
    })))
    return { most, held: Math.max(...blocks) }
  }
  // Longer than 32 bits can count. Its content is one part many times; the rest is looked at.
  const huge = async () => {
    const part = new Blob([new Uint8Array(1024 * 1024)])
    const content = new Blob(Array.from({ length: 4100 }, () => part))
    const blob = zip([{ path: 'huge', crc: 0, content }, file('after', bytes)])
    const start = 30 + 'huge'.length + 20
    const around = new Blob([blob.slice(0, start), blob.slice(start + content.size)])
    return { rest: new Uint8Array(await around.arrayBuffer()).toBase64(), start, size: content.size }
  }

  const calm = {
    webrtc: true, online: true, tracker: 'up', refusal: '', seeders: 1, leechers: 1, programs: 0,
    attempts: 0, failures: 0, connected: 0, relay: false, relayOnly: false, waitedS: 60, stalledS: 0,
    throttled: false
  }
  const words = (changes) => diagnose({ ...calm, ...changes }).map(({ text, advice }) => `${text} ${advice}`).join('')

  return {
    sums,
    namesakes: namesakes(),
    greedy: await greedy(),
    bencoded: bencode(infoOf('n', [{ path: ['a', 'ä'], size: 3 }, { path: ['b'], size: 0 }], 65536, bytes.subarray(0, 20))).toBase64(),
    single: bencode(infoOf('n', [{ path: [], size: 3 }], 65536, bytes.subarray(0, 20))).toBase64(),
    pieceLengths: [1, 1e8, 1e9, 2e9, 1e10, 1e11, 1e12].map((total) => [total, pieceLength(total)]),
    links: ['', '#', '#xyz', `#${'a'.repeat(39)}`, `#${'A'.repeat(40)}`, `#${'a'.repeat(40)}&dn=%E0%A4%A`,
      `#${'a'.repeat(40)}&dn=b%20c`, `#magnet:?xt=urn:btih:${'b'.repeat(40)}&tr=wss://evil.example&dn=x`,
      `#${'a'.repeat(40)}&dn=${'x'.repeat(5000)}`].map(parseLink),
    here: ['localhost', 'a.localhost', '127.0.0.1', '127.8.9.10', '[::1]', '[::]', '0.0.0.0'].map(opensHereAlone),
    elsewhere: ['192.168.1.5', 'tracker.example', 'localhost.example', 'mylocalhost', '127.example', '[2001:db8::1]'].map(opensHereAlone),
    names: ['', '.', '..', ' . ', 'a/b', 'nul', 'NUL.txt', 'com1', 'a\u202Eb', '\u0000', 'x'.repeat(300) + '.tar.gz'].map((name) => [savedName(name), shownName(name).length]),
    paths: ['../../a', '/etc/passwd', 'a/./b', '', '..', 'a//b', '\\\\host\\share', 'a/'.repeat(100) + 'z'].map(savedPath),
    archive: await archive([file('ä/one.txt', bytes), file('empty', new Uint8Array()), file('Ä/ONE.txt', bytes)]),
    huge: await huge(),
    ranges: [null, 'bytes=0-', 'bytes=0-0', 'bytes=5-9', 'bytes=-3', 'bytes=9-', 'bytes=10-', 'bytes=-', 'lines=1-2', 'bytes=0-99'].map((header) => parseRange(header, 10)),
    diagnoses: {
      well: words({}),
      noWebRtc: words({ webrtc: false }),
      offline: words({ online: false }),
      down: words({ tracker: 'down' }),
      slow: words({ tracker: 'connecting' }),
      refused: words({ refusal: 'not on the list' }),
      nobody: words({ seeders: 0 }),
      others: words({ seeders: 0, leechers: 3 }),
      programs: words({ seeders: 0, programs: 2 }),
      silent: words({ seeders: 1 }),
      nat: words({ attempts: 2, failures: 2 }),
      natWithRelay: words({ attempts: 2, failures: 2, relay: true }),
      relayOnly: words({ attempts: 2, failures: 2, relayOnly: true }),
      pending: words({ attempts: 2, failures: 1 }),
      downloading: words({ connected: 1, tracker: 'down' }),
      stalled: words({ connected: 1, stalledS: 20 }),
      throttled: words({ connected: 1, stalledS: 20, throttled: true }),
      early: words({ seeders: 0, waitedS: 2 })
    },
    formats: [size(1), size(999), size(1000), size(999_950), size(1.5e9), speed(0), speed(500), speed(2e6), percent(0.999), percent(1),
      duration(500), duration(61_000), duration(3_600_000), duration(5_400_000), duration(1e9), duration(Infinity)]
  }
}, await moduleUrl(page, 'sharing/')))
await close()
