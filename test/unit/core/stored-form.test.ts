import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { accountForm } from '../../../core/account-record.ts'
import { characterForm } from '../../../core/character-record.ts'
import { erasureCursorForm, erasureForm } from '../../../core/erasures.ts'
import { layerForm } from '../../../core/layer-record.ts'
import type { StoredForm } from '../../../core/stored-form.ts'
import { storedForm } from '../../../core/stored-form.ts'
import { z } from '../../../core/validate/index.ts'
import { requestsForm } from '../../../platform/http/idempotency.ts'
import { auditForm } from '../../../services/auth/audit.ts'
import { staffForm } from '../../../services/auth/staff.ts'
import { claimForm as accountClaimForm, sessionForm, sessionRosterForm } from '../../../services/auth/stored.ts'
import { claimForm } from '../../../services/characters/name-claims.ts'
import { rosterForm } from '../../../services/characters/roster.ts'

const folder = new URL('../../golden/stored/', import.meta.url)
/** Every form of what is stored with a version. */
const forms: readonly StoredForm<unknown>[] = [
  ...[characterForm, rosterForm, claimForm, requestsForm, layerForm],
  ...[accountForm, accountClaimForm, sessionForm, sessionRosterForm, staffForm, auditForm, erasureForm, erasureCursorForm],
]
const fileOf = (form: StoredForm<unknown>, version: number) => `${form.name.replaceAll(' ', '-')}.v${version}.json`
const golden = z.array(z.strictObject({ stored: z.object({ kind: z.string(), data: z.record(z.string(), z.json()) }), read: z.json() }))

describe.each(forms.map((form) => [form.name, form] as const))('the stored form of a %s', (_, form) => {
  test.each(Array.from({ length: form.version }, (_, i) => i + 1))('version %i is read as it was meant', (version) => {
    const cases = golden.parse(JSON.parse(readFileSync(new URL(fileOf(form, version), folder), 'utf8')))
    expect(cases.length).toBeGreaterThan(0)
    for (const { stored, read } of cases) {
      expect(stored.data['v'] ?? 1).toBe(version)
      expect(form.read('c', { n: 1, ...stored })).toEqual(read)
      // And is of the newest version when it is written again.
      expect(form.read('c', { n: 1, kind: stored.kind, data: form.write(z.record(z.string(), z.json()).parse(read)) })).toEqual(read)
    }
  })

  test.each([0, form.version + 1, 1.5, '1', null])('version %j is refused', (v) => {
    const [, stored] = [0, { n: 1, kind: 'x', data: { v } }]
    expect(() => form.read('c', stored)).toThrow(expect.objectContaining({ code: 'StoreCorrupt' }))
  })
})

test('the files are of these forms and no others', () => {
  const known = forms.flatMap((form) => Array.from({ length: form.version }, (_, i) => fileOf(form, i + 1)))
  expect(readdirSync(folder).toSorted()).toEqual(known.toSorted())
})

test('migrations are done one after the other, from the version that is found', () => {
  const form = storedForm('thing', z.object({ kind: z.literal('k'), path: z.string() }), [
    (stored) => ({ ...stored, path: `${String(stored['path'])}2` }),
    (stored) => ({ ...stored, path: `${String(stored['path'])}3` }),
  ])
  const pathOf = (data: Record<string, string | number>) => form.read('c', { n: 1, kind: 'k', data }).path
  expect([pathOf({ path: '' }), pathOf({ v: 1, path: '' }), pathOf({ v: 2, path: '' }), pathOf({ v: 3, path: '' })]).toEqual([
    '23',
    '23',
    '3',
    '',
  ])
  expect(form.write({ path: 'x' })).toEqual({ v: 3, path: 'x' })
  expect(() => form.read('c', { n: 1, kind: 'other', data: { v: 3, path: '' } })).toThrow(expect.objectContaining({ code: 'StoreCorrupt' }))
})
