import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { BailiwickError } from '../../core/errors.ts'
import { PASSWORD_BUSY_RETRY_AFTER } from '../../core/timing.ts'

export interface PasswordHasher {
  /** argon2id in PHC string form, with a salt of its own. Throws Busy when too many wait. */
  hash(password: string): Promise<string>
  /** True when `password` is the one that `stored` was made of. Without `stored` (no such account) the same work is done for nothing. Throws Busy. */
  verify(password: string, stored: string | undefined): Promise<boolean>
  /** True when `stored` was made at a lower cost than hashes are made at now. */
  isOutdated(stored: string): boolean
}

export interface HasherOptions {
  /** Passwords checked at once, besides one new one that is hashed: each takes one thread and `memoryKib`. */
  readonly parallel?: number
  /** So many of either kind may wait; beyond, Busy. */
  readonly waiting?: number
  readonly memoryKib?: number
  readonly passes?: number
}

const TAG_BYTES = 32
const SALT_BYTES = 16
const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{8,128})\$([A-Za-z0-9+/]{16,128})$/

/** Hashes off the event loop, bounded in number. The standard cost is OWASP's: 19 MiB, 2 passes. */
export function createPasswordHasher(options: HasherOptions = {}): PasswordHasher {
  const { memoryKib = 19_456, passes = 2 } = options
  const waiting = options.waiting ?? 64
  const enter = createGate(options.parallel ?? 2, waiting)
  // Of their own, and one at a time: whoever registers in masses does not keep others from logging in.
  const enterNew = createGate(1, waiting)
  const nobody = randomBytes(SALT_BYTES)
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES)
      const tag = await enterNew(() => derive(password, salt, memoryKib, passes, 1, TAG_BYTES))
      return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${unpadded(salt)}$${unpadded(tag)}`
    },
    async verify(password, stored) {
      if (stored === undefined) {
        await enter(() => derive(password, nobody, memoryKib, passes, 1, TAG_BYTES))
        return false
      }
      const made = parse(stored)
      const found = await enter(() => derive(password, made.salt, made.memory, made.passes, made.lanes, made.tag.length))
      return timingSafeEqual(found, made.tag)
    },
    isOutdated(stored) {
      const parsed = parse(stored)
      return parsed.memory < memoryKib || parsed.passes < passes
    },
  }
}

function parse(stored: string) {
  const [, m, t, p, salt, tag] = phc.exec(stored) ?? []
  if (salt === undefined || tag === undefined) throw new BailiwickError('StoreCorrupt', { asked: 'a stored password hash' })
  return {
    memory: Number(m),
    passes: Number(t),
    lanes: Number(p),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function derive(password: string, nonce: Buffer, memory: number, passes: number, parallelism: number, tagLength: number): Promise<Buffer> {
  // The same password may be typed as different code points on different keyboards.
  const message = password.normalize('NFKC')
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message, nonce, memory, passes, parallelism, tagLength }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

/** Runs at most `parallel` pieces of work at once, first come first served, and lets at most `waiting` wait. */
function createGate(parallel: number, waiting: number) {
  let running = 0
  const queue: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= parallel) {
      if (queue.length >= waiting) {
        const found = `${running} passwords being checked and ${queue.length} waiting`
        throw new BailiwickError('Busy', { found, todo: 'try again', retryAfterMs: PASSWORD_BUSY_RETRY_AFTER })
      }
      // Whoever leaves hands its place on, so `running` stays as it is.
      await new Promise<void>((resolve) => queue.push(resolve))
    } else {
      running += 1
    }
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
