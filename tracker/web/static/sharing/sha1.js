// SHA-1 (RFC 3174), for pages without `crypto.subtle`: those loaded over plain HTTP.

const rotate = (word, bits) => (word << bits) | (word >>> (32 - bits))

/** Pad a message to whole 64-byte blocks (RFC 3174, section 4). */
function padded (bytes) {
  const blocks = new Uint8Array(((bytes.length + 8) >> 6) * 64 + 64)
  blocks.set(bytes)
  blocks[bytes.length] = 0x80
  const view = new DataView(blocks.buffer)
  view.setUint32(blocks.length - 8, Math.floor(bytes.length / 0x20000000))
  view.setUint32(blocks.length - 4, bytes.length << 3)
  return view
}

/**
 * Return the SHA-1 digest of some bytes.
 *
 * @param {Uint8Array} bytes
 * @returns {Uint8Array} 20 bytes.
 */
export function sha1 (bytes) {
  const blocks = padded(bytes)
  const words = new Int32Array(80)
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]
  for (let at = 0; at < blocks.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = blocks.getInt32(at + i * 4)
    for (let i = 16; i < 80; i++) {
      words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1)
    }
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4]
    for (let i = 0; i < 80; i++) {
      let mixed
      if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5A827999
      else if (i < 40) mixed = (b ^ c ^ d) + 0x6ED9EBA1
      else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
      else mixed = (b ^ c ^ d) + 0xCA62C1D6
      const next = (rotate(a, 5) + mixed + e + words[i]) | 0
      e = d
      d = c
      c = rotate(b, 30)
      b = a
      a = next
    }
    h0 = (h0 + a) | 0
    h1 = (h1 + b) | 0
    h2 = (h2 + c) | 0
    h3 = (h3 + d) | 0
    h4 = (h4 + e) | 0
  }
  const digest = new DataView(new ArrayBuffer(20))
  for (const [i, word] of [h0, h1, h2, h3, h4].entries()) digest.setInt32(i * 4, word)
  return new Uint8Array(digest.buffer)
}
