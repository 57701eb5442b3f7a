// What may be shown on the page: types that a browser plays or draws, and that hold no script.

const TYPES = new Map(Object.entries({
  aac: 'audio/aac',
  apng: 'image/apng',
  avif: 'image/avif',
  bmp: 'image/bmp',
  flac: 'audio/flac',
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  m4a: 'audio/mp4',
  m4v: 'video/mp4',
  mkv: 'video/x-matroska',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  oga: 'audio/ogg',
  ogg: 'audio/ogg',
  ogv: 'video/ogg',
  opus: 'audio/ogg',
  png: 'image/png',
  wav: 'audio/wav',
  webm: 'video/webm',
  webp: 'image/webp'
}))

/** Return the media type by the extension of a file's name; null: it is only saved, not shown. */
export function mediaType (name) {
  const dot = String(name).lastIndexOf('.')
  return dot < 0 ? null : TYPES.get(String(name).slice(dot + 1).toLowerCase()) ?? null
}

/** Return the element that shows a media type: `audio`, `video` or `img`. */
export function mediaElement (type) {
  const kind = type.slice(0, type.indexOf('/'))
  return kind === 'image' ? 'img' : kind
}
