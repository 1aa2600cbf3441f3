import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BailiwickError } from '../../core/errors.ts'
import { nameKey } from '../../core/names.ts'
import { z } from '../../core/validate/index.ts'

export const MIN_PASSWORD = 8
export const MAX_PASSWORD = 128

/**
 * A password that is being chosen: 8 to 128 code points in compatibility-normal form (NIST SP 800-63B: no rules on its make-up, and none that it expires). Whoever logs in is not
 * told by it: what an older rule let in stays good.
 */
export const newPassword = z
  .string()
  // By code points, as the lengths of the OpenAPI document are.
  .regex(new RegExp(`^[\\s\\S]{${MIN_PASSWORD},${MAX_PASSWORD}}$`, 'u'), { error: `use ${MIN_PASSWORD} to ${MAX_PASSWORD} characters` })

/** Those of at least MIN_PASSWORD characters that leaked most often, one a line, lower case, the commonest first. */
const common: ReadonlySet<string> = new Set(readFileSync(join(import.meta.dirname, 'common-passwords.txt'), 'utf8').split('\n'))

/** Throws PasswordCommon for a password that whoever guesses tries first: one of the commonest, or the account's own name; InvalidInput for one too short when normalised. */
export function checkNewPassword(name: string, password: string): void {
  const normal = password.normalize('NFKC')
  const length = [...normal].length
  if (length < MIN_PASSWORD || length > MAX_PASSWORD) {
    throw new BailiwickError('InvalidInput', {
      asked: 'a password',
      found: `${length} characters`,
      todo: `use ${MIN_PASSWORD} to ${MAX_PASSWORD}`,
    })
  }
  const plain = normal.toLowerCase()
  if (common.has(plain) || nameKey(plain) === nameKey(name)) {
    throw new BailiwickError('PasswordCommon', { todo: 'choose one that is not on lists; a few words in a row will do' })
  }
}
