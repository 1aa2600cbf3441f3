import { prototypes } from './confusables.ts'
import { BailiwickError } from './errors.ts'
import { z } from './validate/index.ts'

/**
 * The form of a name that players give themselves: `least` to `most` letters and digits of any script, `_` and `-`, letters with up to three marks. What comes out is in
 * compatibility-normal form. Whether it may be had says `checkName`; whether it is taken, `nameKey` of it.
 */
export function playerName(least: number, most: number) {
  return z
    .string()
    .max(200)
    .normalize('NFKC')
    .regex(new RegExp(`^(?:[\\p{L}\\p{Nd}_-]\\p{M}{0,3}){${least},${most}}$`, 'u'), {
      error: `use ${least} to ${most} letters, digits, _ or -`,
    })
}

/**
 * Two names with the same key look the same to a hurried reader, and only one of them can be had: compatibility-normal and lower case, then each character as its prototype among
 * those that are confused with it (UTS #39, "skeleton"), and i as l, whose capital looks like it. A key is no name: it is never shown.
 */
export function nameKey(name: string): string {
  const plain = name.normalize('NFKC').toLowerCase().normalize('NFD')
  let key = ''
  for (const character of plain) key += prototypes.get(character) ?? character
  return key.normalize('NFD').toLowerCase().replaceAll('i', 'l')
}

/** Throws NameRefused when the name mixes scripts, holds what can't be seen, or is reserved for those who run the world. */
export function checkName(name: string): void {
  if (/\p{DI}/u.test(name)) throw refused(name, 'a character that can not be seen', 'leave it out')
  if (!isOfOneScript(name)) {
    throw refused(name, 'letters of more than one script, or of one that is not written any more', 'write it in one script')
  }
  if (reservedKeys.has(nameKey(name))) throw refused(name, 'a name that only those who run the world may have', 'choose another one')
}

/**
 * Scripts in use today (UAX #31, table 5), and those that are written together: Japanese, Chinese with Bopomofo, Korean; each of these with Latin, as UTS #39's "highly restrictive" allows.
 */
const single = [
  [
    'Latin',
    'Greek',
    'Cyrillic',
    'Armenian',
    'Hebrew',
    'Arabic',
    'Thaana',
    'Devanagari',
    'Bengali',
    'Gurmukhi',
    'Gujarati',
    'Oriya',
    'Tamil',
  ],
  ['Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Thai', 'Lao', 'Tibetan', 'Myanmar', 'Georgian', 'Ethiopic', 'Khmer'],
].flat()
const together = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
]
/** ASCII digits go with every script, others with their own. */
const writable = [...single.map((script) => [script]), ...together].map(
  (scripts) => new RegExp(`^(?:[0-9_-]|(?![A-Za-z0-9_-]\\p{M})[${scripts.map((script) => `\\p{scx=${script}}`).join('')}])*$`, 'u'),
)

function isOfOneScript(name: string): boolean {
  return writable.some((pattern) => pattern.test(name))
}

const reserved = [
  ['admin', 'administrator', 'moderator', 'mod', 'owner', 'root', 'system', 'sysop', 'server', 'staff', 'support', 'helpdesk', 'security'],
  ['official', 'operator', 'gm', 'gamemaster', 'game-master', 'game_master', 'bailiwick', 'allocator', 'console'],
  ['nobody', 'everybody', 'everyone', 'anonymous', 'unknown', 'null', 'undefined', 'deleted', 'banned'],
].flat()
const reservedKeys = new Set(reserved.map(nameKey))

function refused(name: string, found: string, todo: string): BailiwickError {
  return new BailiwickError('NameRefused', { asked: name, found, todo })
}
