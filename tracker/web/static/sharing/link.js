// Links to /get: `#INFO_HASH&dn=NAME`. Browsers never send the part after `#` to a server.

const HASH = /^[0-9a-f]{40}$/i
// Loopback, and the unspecified addresses, which browsers on some systems take for it.
const HERE = /^(?:(?:.+\.)?localhost\.?|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\])$/i
const LONGEST = 4096 // characters
const LONGEST_NAME = 120 // characters that go into a link

/** Return the link that downloads a torrent. */
export function linkTo (infoHash, name) {
  const short = Array.from(name).slice(0, LONGEST_NAME).join('')
  return `${location.origin}/get#${infoHash}&dn=${encodeURIComponent(short)}`
}

/** Return the link without the name: the shorter it is, the easier to scan its QR code. */
export function shortLinkTo (infoHash) {
  return `${location.origin}/get#${infoHash}`
}

/**
 * Whether the links of a page open on its own computer alone.
 *
 * @param {string} hostname as in `location.hostname`: an IPv6 address is in brackets.
 */
export function opensHereAlone (hostname) {
  return HERE.test(hostname)
}

/**
 * Parse the fragment of a link, or a magnet link in its place; whoever wrote it may be hostile.
 *
 * @param {string} fragment as in `location.hash`.
 * @returns {{infoHash: string, name: string}|null} the hash in lower case; null: it is not a link
 *   of ours. Trackers in a magnet link are ignored: a page connects to its own tracker alone.
 */
export function parseLink (fragment) {
  if (fragment.length > LONGEST) return null
  const text = fragment.replace(/^#/, '')
  const magnet = /^magnet:\?(.*)$/i.exec(text)
  const [first, ...rest] = magnet ? ['', magnet[1]] : text.split('&')
  const fields = new URLSearchParams(rest.join('&'))
  const topics = fields.getAll('xt').map((topic) => topic.replace(/^urn:btih:/i, ''))
  const infoHash = [first, ...topics].find((candidate) => HASH.test(candidate))
  return infoHash ? { infoHash: infoHash.toLowerCase(), name: fields.get('dn') ?? '' } : null
}
