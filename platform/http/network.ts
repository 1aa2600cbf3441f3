import { isIPv4, isIPv6 } from 'node:net'

/**
 * A site counts as so many networks, wherever networks are bounded: its owner has 65,536 of them, and a provider may have as many customers there. (Let's Encrypt gives a /48 fifty times what it gives an address.)
 */
export const NETWORKS_OF_SITE = 16

/** What one customer has at least: an IPv4 address, or an IPv6 /64 network. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(.+)$/i.exec(address)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? first : [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
  return groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')
}

/** What one customer may have besides (RFC 6177): the IPv6 /48 of a network that networkOf answered; undefined: of IPv4 there is nothing of the kind. */
export function siteOf(network: string): string | undefined {
  const groups = network.split(':')
  return groups.length === 4 ? groups.slice(0, 3).join(':') : undefined
}
