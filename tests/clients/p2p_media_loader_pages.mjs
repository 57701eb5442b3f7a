// Two Chromium pages with P2P Media Loader load the segments of one stream. The first page gets them
// from the website; the second one can get them from the first page only, over WebRTC.
// Usage: node p2p_media_loader_pages.mjs BROWSER URL FILE…
//
// BROWSER: the address that `chromium.mjs` writes.
// FILE…: the segments, of any content: the loader, which is what finds peers, does not look at it.
// Writes one line of JSON: for both pages, a list of {"source": "http" or "p2p", "digest": …}.

import { readFile } from 'node:fs/promises'
import { pagesOf, SHA256, website } from './pages.mjs'

const [endpoint, tracker, ...files] = process.argv.slice(2)

const PAGE = `<!doctype html><script type="module">${SHA256}
  import { Core } from '/node_modules/p2p-media-loader-core/dist/p2p-media-loader-core.es.js'
  const SEGMENT_S = 4

  window.load = async ({ tracker, swarmId, urls, httpAfterMs }) => {
    const core = new Core({
      announceTrackers: [tracker],
      httpDownloadInitialTimeoutMs: httpAfterMs,
      rtcConfig: { iceServers: [] }, // no STUN server: the addresses of this machine are enough
      swarmId
    })
    core.setManifestResponseUrl(location.href)
    core.addStreamIfNoneExists({ runtimeId: 'stream', type: 'main', index: '0' })
    core.updateStream('stream', urls.map((url, at) => ({
      runtimeId: url,
      externalId: at,
      url,
      startTime: at * SEGMENT_S,
      endTime: (at + 1) * SEGMENT_S
    })))
    const sources = {}
    core.addEventListener('onSegmentLoaded', ({ segmentUrl, downloadSource }) => {
      sources[segmentUrl] = downloadSource
    })
    core.addEventListener('onTrackerWarning', ({ warning }) => console.warn(warning))
    core.addEventListener('onTrackerError', ({ error }) => console.error(error))

    const loaded = []
    for (const [at, url] of urls.entries()) {
      const { data } = await new Promise((resolve, reject) => {
        core.loadSegment(url, { onSuccess: resolve, onError: reject })
      })
      loaded.push({ source: sources[url], digest: await sha256(data) })
      core.updatePlayback((at + 1) * SEGMENT_S, 1) // as a player that has played it
    }
    return loaded
  }
  window.ready = true
</script>`

const contents = await Promise.all(files.map((file) => readFile(file)))
const site = await website(PAGE, Object.fromEntries(contents.map((c, at) => [`/segments/${at}`, c])))
const pages = await pagesOf(endpoint)

async function load (name, folder, httpAfterMs) {
  const page = await pages.open(site.url, name)
  const urls = files.map((_, at) => `${site.url}${folder}/${at}`)
  return page.evaluate((how) => window.load(how), { tracker, swarmId: site.url, urls, httpAfterMs })
}

const first = await load('first', 'segments', 0)
const second = await load('second', 'absent', 60_000)
console.log(JSON.stringify([first, second]))
await pages.close()
site.close()
