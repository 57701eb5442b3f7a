// The page that runs WebTorrent: it leaves a client in `window.client`.

import { SHA256 } from './pages.mjs'

/** @param {string} [left] what the client announces as left, whatever it has. */
export function webtorrentPage (left) {
  const announced = left === undefined ? '' : `, getAnnounceOpts: () => ({ left: ${left} })`
  return `<!doctype html><script type="module">${SHA256}
    import WebTorrent from '/node_modules/webtorrent/dist/webtorrent.min.js'
    // No STUN server: the addresses of this machine are enough.
    window.client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] }${announced} } })
    window.download = async (torrent) => {
      const added = window.client.add(torrent)
      await new Promise((resolve, reject) => added.on('done', resolve).on('error', reject))
      return sha256(await added.files[0].arrayBuffer())
    }
    window.ready = true
  </script>`
}
