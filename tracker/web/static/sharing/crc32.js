// CRC-32 (ISO 3309), as archives use it; four bytes at a time.

const TABLES = Array.from({ length: 4 }, () => new Uint32Array(256))
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xEDB88320 : crc >>> 1
  TABLES[0][byte] = crc
}
for (let byte = 0; byte < 256; byte++) {
  for (let i = 1; i < 4; i++) {
    const before = TABLES[i - 1][byte]
    TABLES[i][byte] = (before >>> 8) ^ TABLES[0][before & 0xFF]
  }
}
const [T0, T1, T2, T3] = TABLES

/** Return the checksum of some bytes, which follow those that gave `crc`. */
export function crc32 (bytes, crc = 0) {
  let value = ~crc
  let at = 0
  for (const end = bytes.length - 3; at < end; at += 4) {
    value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    value = T3[value & 0xFF] ^ T2[(value >>> 8) & 0xFF] ^ T1[(value >>> 16) & 0xFF] ^ T0[value >>> 24]
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ T0[(value ^ bytes[at]) & 0xFF]
  return ~value >>> 0
}
