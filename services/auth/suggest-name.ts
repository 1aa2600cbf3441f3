import { isCode } from '../../core/errors.ts'
import { checkName, playerName } from '../../core/names.ts'

const LEAST = 3
const MOST = 24
/** What an issuer says may be of any length. */
const LONGEST = 200
const accountName = playerName(LEAST, MOST)

/** A name for a new account of what an issuer calls its player, in the form of ours; undefined when that gives none. Of an address of mail what stands before the @. Whether it is taken is not looked at. */
export function suggestName(called: string | undefined): string | undefined {
  const plain = (called ?? '').slice(0, LONGEST).normalize('NFKC').split('@')[0] ?? ''
  const joined = plain.replaceAll(/[^\p{L}\p{M}\p{Nd}_-]+/gu, '_').replaceAll(/^_+|_+$/g, '')
  const name = [...joined].slice(0, MOST).join('')
  if (!accountName.safeParse(name).success) return undefined
  try {
    checkName(name)
    return name
  } catch (error) {
    if (isCode(error, 'NameRefused')) return undefined
    throw error
  }
}
