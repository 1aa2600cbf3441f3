import { BailiwickError } from '../../core/errors.ts'

/** What If-Match may be. */
export const ifMatchForm = /^(\*|(W\/)?"[\x21\x23-\x2b\x2d-\x7e]*"([ \t]*,[ \t]*(W\/)?"[\x21\x23-\x2b\x2d-\x7e]*"){0,15})$/

/** The ETag of a version: strong, for two representations of one version differ in what passes by itself alone (age, live location). */
export function etagOf(version: number): string {
  return `"${version}"`
}

/**
 * Whether a request that changes something may: `If-Match` (RFC 9110, 13.1.1) names the version that is there, or `*` for whichever. Answers the check, to be asked with the version when it
 * is known; that throws PreconditionFailed. Throws PreconditionRequired without the header, InvalidInput for one that can't be read.
 */
export function checkVersion(ifMatch: string | undefined): (version: number) => void {
  if (ifMatch === undefined) {
    throw new BailiwickError('PreconditionRequired', { todo: 'send If-Match with the ETag that you know, or with * for any' })
  }
  if (!ifMatchForm.test(ifMatch)) {
    throw new BailiwickError('InvalidInput', { asked: 'If-Match', todo: 'send ETags in quotes, or *' })
  }
  if (ifMatch === '*') return anyVersion
  const tags = ifMatch.split(',').map((text) => text.trim())
  return (version) => {
    // A weak tag never matches: it says only that two are about the same.
    if (tags.includes(etagOf(version))) return
    throw new BailiwickError('PreconditionFailed', { found: `version ${version}`, todo: 'read it again, and decide again' })
  }
}

/** Whoever changes it without having looked. */
export function anyVersion(): void {
  // Any is right.
}
