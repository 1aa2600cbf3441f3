import { BailiwickError } from '../core/errors.ts'
import { type Character, readCharacter, readList, readMember, readNext } from './answers.ts'
import type { Request } from './http.ts'
import { randomKey } from './key.ts'

/** The characters of the account that is logged in. */
export interface Characters {
  /** All of them, those included that are to be deleted; page after page. */
  list(): Promise<readonly Character[]>
  get(id: string): Promise<Character>
  /** Throws NameTaken, NameRefused, TooManyCharacters. With the same `key` a repetition, also after a lost answer, makes no second one. */
  create(name: string, key?: string): Promise<Character>
  /** Throws NameTaken, NameRefused, CharacterInWorld; PreconditionFailed when the character is another version than the one given. */
  rename(id: string, name: string, version?: number): Promise<Character>
  /** Has it deleted at `deletesAt` of the answer. Throws CharacterInWorld; PreconditionFailed as `rename`. */
  delete(id: string, version?: number): Promise<Character>
  /** Takes that back. */
  restore(id: string): Promise<Character>
}

type Ask = (request: Omit<Request, 'token'>) => Promise<unknown>

const PAGE = 100
/** Many times what an account may have: a service that always has one page more is not followed for ever. */
const MAX_PAGES = 20

/** `base`: the address of the list. `ask` makes authenticated requests. */
export function charactersOver(base: string, ask: Ask): Characters {
  const one = async (request: Omit<Request, 'token'>): Promise<Character> => readMember(await ask(request), 'character', readCharacter)
  const address = (id: string): string => `${base}/${encodeURIComponent(id)}`
  const ifMatch = (version: number | undefined) => ({ 'if-match': version === undefined ? '*' : `"${version}"` })
  return {
    list: () => listAll(base, ask),
    get: (id) => one({ method: 'GET', url: address(id) }),
    create: (name, key = randomKey()) => one({ method: 'POST', url: base, body: { name }, headers: { 'idempotency-key': key } }),
    rename: (id, name, version) => one({ method: 'PATCH', url: address(id), body: { name }, headers: ifMatch(version) }),
    delete: (id, version) => one({ method: 'DELETE', url: address(id), headers: ifMatch(version) }),
    restore: (id) => one({ method: 'POST', url: `${address(id)}/restore`, headers: { 'idempotency-key': randomKey() } }),
  }
}

async function listAll(base: string, ask: Ask): Promise<readonly Character[]> {
  const found: Character[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(cursor === undefined ? {} : { cursor }) })
    const answer = await ask({ method: 'GET', url: `${base}?${query}` })
    found.push(...readList(answer, 'characters', readCharacter))
    cursor = readNext(answer)
    if (cursor === undefined) return found
  }
  throw new BailiwickError('Unreachable', { asked: base, found: `more than ${MAX_PAGES} pages`, todo: 'check the URL' })
}
