/** An issuer of accounts that players may log in with. */
export interface IssuerSettings {
  /** How Bailiwick calls it: in addresses and on command lines. */
  readonly id: string
  /** How players are told of it. */
  readonly name: string
  /** Its issuer identifier (OpenID Connect Discovery): what `iss` of its tokens says. */
  readonly url: string
  readonly clientId: string
  /** Absent: a public client, which PKCE alone protects. */
  readonly clientSecret?: string
  /** Besides `openid`. */
  readonly scopes: readonly string[]
  /** Which claim suggests the name of a new account. */
  readonly nameClaim: string
  /** Where it sends players back to, exactly as it is registered there. */
  readonly redirectUri: string
}

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** Whether the address may be asked, or a browser be sent there: over TLS, or on this very machine for development. */
export function isSafe(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.has(url.hostname))
}

/** True for an address on this very machine. */
export function isLoopback(url: URL): boolean {
  return loopback.has(url.hostname)
}
