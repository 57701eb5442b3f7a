// Numbers as people read them.

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** Write a number of bytes: `999 bytes`, `1.5 MB`, `700 MB`. */
export function size (bytes) {
  let unit = 0
  let value = Math.max(0, bytes)
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  if (unit === 0) return Math.round(value) === 1 ? '1 byte' : `${Math.round(value)} bytes`
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${UNITS[unit]}`
}

/** Write a speed in bytes a second: `0.5 kB/s`, `1.5 MB/s`. */
export function speed (bytesPerSecond) {
  if (bytesPerSecond < 1000) return `${(Math.max(0, bytesPerSecond) / 1000).toFixed(1)} kB/s`
  return `${size(bytesPerSecond)}/s`
}

/** Write a duration in milliseconds, coarser the longer it is: `12 s`, `5 min`, `3 h 20 min`. */
export function duration (ms) {
  if (!Number.isFinite(ms)) return 'unknown'
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return `${Math.round(hours / 24)} days`
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
}

/** Write a share from 0 to 1 in whole percent; 100 % means complete. */
export function percent (share) {
  return `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))} %`
}

/** Write a count with its noun: `1 file`, `3 files`; `person`, `people` when the plural differs. */
export function count (number, one, many = `${one}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}
