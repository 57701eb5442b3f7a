// Names from torrents: whoever made the torrent chose them, so they may be hostile.

// Control characters, and what changes the direction of text or is invisible: `exe.gpj` must not
// look like `jpg.exe`.
const DECEPTIVE = /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu
const SEPARATORS = /[\\/:*?"<>|]/g // of paths, or not allowed in names by some file system
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i // device names on Windows
const LONGEST_SHOWN = 200 // characters
const LONGEST_SAVED = 180 // bytes of UTF-8; file systems allow 255, browsers append to a name
const LONGEST_EXTENSION = 16 // characters
const LONGEST_PATH = 32 // parts

const bytesOf = (text) => new TextEncoder().encode(text).length

/** Return a name for the page: one line of bounded length. Insert it as text, never as HTML. */
export function shownName (name) {
  const line = String(name).replace(DECEPTIVE, '\uFFFD').trim() || 'unnamed'
  const characters = Array.from(line.slice(0, LONGEST_SHOWN * 2 + 2))
  if (characters.length <= LONGEST_SHOWN) return characters.join('')
  const extension = extensionOf(line)
  return `${characters.slice(0, LONGEST_SHOWN - 20).join('')}…${extension}`
}

function extensionOf (name) {
  const dot = name.lastIndexOf('.')
  return dot > 0 && name.length - dot <= LONGEST_EXTENSION ? name.slice(dot) : ''
}

/** Return a name under which any file system can store a file: never a path. */
export function savedName (name) {
  let safe = String(name).slice(0, 4096)
  safe = safe.replace(DECEPTIVE, '').replace(SEPARATORS, '_').replace(/^[. ]+|[. ]+$/g, '')
  if (RESERVED.test(safe)) safe = `_${safe}`
  if (bytesOf(safe) > LONGEST_SAVED) {
    const extension = extensionOf(safe)
    const stem = Array.from(safe.slice(0, safe.length - extension.length))
    while (bytesOf(stem.join('')) + bytesOf(extension) > LONGEST_SAVED) {
      stem.length = Math.min(stem.length - 1, LONGEST_SAVED)
    }
    safe = stem.join('') + extension
  }
  return safe || 'unnamed'
}

/** Return a relative path for an archive: its parts are safe names, none of them `..`. */
export function savedPath (path) {
  const parts = String(path).split(/[\\/]/).filter((part) => !/^\.*$/.test(part.trim()))
  return parts.slice(-LONGEST_PATH).map(savedName).join('/') || 'unnamed'
}
