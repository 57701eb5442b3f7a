// What the WebTorrent bundle expects and some browsers lack. Import this module before the bundle.

import { sha1 } from './sha1.js'

const viewed = (data) => ArrayBuffer.isView(data)
  ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  : new Uint8Array(data)

/** Digest as `crypto.subtle` does, for SHA-1 alone: BitTorrent v1 needs no other. */
async function digest (algorithm, data) {
  if (!/^sha-1$/i.test(algorithm.name ?? algorithm)) throw new Error(`no ${algorithm} here`)
  return sha1(viewed(data)).buffer
}

// Browsers offer it to pages in a secure context only: HTTPS and localhost.
if (!globalThis.crypto.subtle) {
  Object.defineProperty(globalThis.crypto, 'subtle', { value: { digest } })
}

function define (target, name, method) {
  if (!target[name]) Object.defineProperty(target, name, { value: method, configurable: true })
}

// Chromium before 140, Firefox before 133, and Safari before 18.2 lack these.
define(Uint8Array.prototype, 'toHex', function () {
  return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('')
})
define(Uint8Array.prototype, 'toBase64', function () {
  return btoa(Array.from(this, (byte) => String.fromCharCode(byte)).join(''))
})
define(Uint8Array, 'fromHex', (text) => Uint8Array.from(
  text.match(/../g) ?? [], (pair) => parseInt(pair, 16)
))
define(Uint8Array, 'fromBase64', (text) => Uint8Array.from(
  atob(text), (character) => character.charCodeAt(0)
))
