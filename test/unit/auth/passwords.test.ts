import { describe, expect, test } from 'vitest'
import { createPasswordHasher } from '../../../services/auth/passwords.ts'

describe('passwords', () => {
  test('the stored form is a PHC string of argon2id at the standard cost, with a salt of its own', async () => {
    const hasher = createPasswordHasher()
    const [first, second] = await Promise.all([hasher.hash('secret one'), hasher.hash('secret one')])
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(second).not.toBe(first)
    expect(await hasher.verify('secret one', first)).toBe(true)
    expect(await hasher.verify('secret two', first)).toBe(false)
    expect(await hasher.verify('secret one', undefined)).toBe(false)
  })

  test('a hash of the reference implementation is understood', async () => {
    // echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1, from the test vectors of the reference implementation
    const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await createPasswordHasher().verify('password', reference)).toBe(true)
    expect(await createPasswordHasher().verify('Password', reference)).toBe(false)
  })

  test('different code points of the same text are the same password', async () => {
    const hasher = createPasswordHasher({ memoryKib: 64, passes: 1 })
    expect(await hasher.verify('gru\u0308n', await hasher.hash('grün'))).toBe(true)
  })

  test('beyond what runs and waits: Busy with a time to come back; the others are served', async () => {
    const hasher = createPasswordHasher({ memoryKib: 64, passes: 1, parallel: 1, waiting: 2 })
    const answers = await Promise.allSettled(Array.from({ length: 5 }, () => hasher.hash('x')))
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
    expect(answers[4]).toMatchObject({ reason: { code: 'Busy', retryAfterMs: 1_000 } })
    expect(await hasher.hash('x')).toContain('$argon2id$')
  })

  test('whoever registers in masses does not keep others from logging in', async () => {
    const hasher = createPasswordHasher({ memoryKib: 64, passes: 1, parallel: 1, waiting: 2 })
    const stored = await hasher.hash('x')
    const flood = Promise.allSettled(Array.from({ length: 20 }, () => hasher.hash('x')))
    expect(await hasher.verify('x', stored)).toBe(true)
    expect((await flood).filter((answer) => answer.status === 'rejected')).toHaveLength(17)
  })

  test.each([
    '',
    'plain',
    '$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA',
    '$argon2id$v=19$m=99999999999,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAA',
  ])('a stored hash %j is StoreCorrupt', async (stored) => {
    await expect(createPasswordHasher().verify('x', stored)).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })
})
