// The STUN and TURN servers of this tracker. No others: a page connects to no third party.

const SOURCE = '/ice.json'
const AT_LEAST_S = 60 // between two requests, whatever the server says

/**
 * Return an RTCConfiguration that stays current: its `iceServers` are replaced before they expire.
 *
 * @param {{relayOnly: boolean}} options relayOnly: connect through TURN alone, so that other people
 *   do not see this browser's address.
 */
export async function iceConfiguration ({ relayOnly }) {
  const configuration = { iceServers: [], iceTransportPolicy: relayOnly ? 'relay' : 'all' }

  async function refresh () {
    let seconds = AT_LEAST_S
    try {
      const response = await fetch(SOURCE, { cache: 'no-store', credentials: 'omit' })
      if (response.ok) {
        const { iceServers, ttl } = await response.json()
        configuration.iceServers = iceServers
        seconds = Math.max(AT_LEAST_S, ttl * 0.8)
      }
    } catch { // The tracker is unreachable now; the page says so, and we ask again.
    }
    setTimeout(refresh, seconds * 1000)
  }

  await refresh()
  return configuration
}

/** Whether a configuration has a TURN server, so that two browsers behind any NAT can connect. */
export function hasRelay ({ iceServers }) {
  return iceServers.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)))
}
