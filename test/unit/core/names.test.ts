import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkName, nameKey, playerName } from '../../../core/names.ts'

const form = playerName(3, 24)

test.each([
  ['Bob', 'bOB', 'the case'],
  ['Bob', 'Ｂｏｂ', 'full-width letters'],
  ['Ångström', 'A\u030angstro\u0308m', 'composed or not'],
  ['paypal', 'раураl', 'Cyrillic letters'],
  ['paypal', 'paypa1', 'the digit one'],
  ['Ivan', 'lvan', 'a capital i and a small L'],
  ['Ivan', 'ıvan', 'an i without dot'],
  ['moon', 'm00n', 'the digit zero'],
  ['mary', 'rnary', 'r and n'],
  ['alpha', 'αlphα', 'Greek letters'],
  ['straße', 'ſtraße', 'a long s'],
])('%s and %s are one name: %s', (one, other) => {
  expect(nameKey(one)).toBe(nameKey(other))
})

test.each([
  ['Anna', 'Hanna'],
  ['Tony', 'Tovy'],
  ['花子', '花了'],
  ['Ольга', 'Олега'],
  ['Tom_1', 'Tom-1'],
])('%s and %s are two names', (one, other) => {
  expect(nameKey(one)).not.toBe(nameKey(other))
})

test.each(['Ann', 'Zoë', 'Ольга', '花子さん', 'ミナA', '김철수', 'Αθηνά', 'مريم', 'नंदिनी', 'ทดสอบ', 'Ann_1-2', '٣مريم'])(
  '%s may be had',
  (name) => {
    expect(form.safeParse(name).success).toBe(true)
    expect(() => checkName(form.parse(name))).not.toThrow()
  },
)

describe('refused', () => {
  test.each([
    ['Latin and Cyrillic', 'pаypal'],
    ['Latin and Greek', 'αlpha'],
    ['Cyrillic and Han', 'Ольга花'],
    ['a Hangul filler, which nobody sees', 'abc\u1160'],
    ['a script of the dead', '\u{10330}\u{10331}\u{10332}'],
    ['marks on digits', '123\u0335'],
    ['a reserved one', 'Admin'],
    ['a reserved one in other letters', 'Аdmіn'],
    ['a reserved one with digits', 'm0derat0r'],
  ])('%s', (_, name) => {
    expect(() => checkName(name.normalize('NFKC'))).toThrow(expect.objectContaining({ code: 'NameRefused' }))
  })
})

/** Any but the halves of pairs. */
const codePoint = fc.integer({ min: 0, max: 0x10f7ff }).map((code) => (code < 0xd800 ? code : code + 0x800))

test('a key is the same for every writing of a name, and is its own key', () => {
  fc.assert(
    fc.property(fc.array(codePoint, { minLength: 1, maxLength: 24 }), (codePoints) => {
      const name = String.fromCodePoint(...codePoints)
      const key = nameKey(name)
      expect(nameKey(name.normalize('NFD'))).toBe(key)
      expect(nameKey(name.normalize('NFKC'))).toBe(key)
      expect(nameKey(key)).toBe(key)
    }),
    { numRuns: 300 },
  )
})
