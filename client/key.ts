/** For an Idempotency-Key: 128 random bits. Not randomUUID, which browsers have on secure pages alone. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
