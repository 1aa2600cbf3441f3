import { BailiwickError } from '../../core/errors.ts'

const tag = /^(W\/)?"([\x21\x23-\x2b\x2d-\x7e]*)"$/
const MAX_TAGS = 16

/** What If-Match may be, for the document. */
export const ifMatchForm = /^(\*|(W\/)?"[\x21\x23-\x2b\x2d-\x7e]*"( *, *(W\/)?"[\x21\x23-\x2b\x2d-\x7e]*"){0,15})$/

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
  if (ifMatch.trim() === '*') return anyVersion
  const tags = ifMatch.split(',').map((text) => tag.exec(text.trim()))
  if (tags.length > MAX_TAGS || tags.some((match) => match === null)) {
    throw new BailiwickError('InvalidInput', { asked: 'If-Match', todo: 'send ETags in quotes, or *' })
  }
  return (version) => {
    // A weak tag never matches: it says only that two are about the same.
    if (tags.some((match) => match?.[1] === undefined && match?.[2] === String(version))) return
    throw new BailiwickError('PreconditionFailed', { found: `version ${version}`, todo: 'read it again, and decide again' })
  }
}

/** Whoever changes it without having looked. */
export function anyVersion(): void {
  // Any is right.
}
