import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { Clock } from '../../../core/clock.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import { z } from '../../../core/validate/index.ts'
import type { TokenSigner } from '../../../platform/tokens/index.ts'
import { findAccount } from '../../../services/auth/accounts.ts'
import { type Identity, identityHolder, identityKey } from '../../../services/auth/identities.ts'
import { sealProof } from '../../../services/auth/issuer-login.ts'
import { nameHolder } from '../../../services/auth/name-claims.ts'
import { staffRoleOf } from '../../../services/auth/staff.ts'
import { textOf } from './whole.ts'

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Asks the service; rejects when it dies meanwhile. */
export type Ask = (method: string, path: string, body?: unknown, token?: string) => Promise<Answer>

/** One who is logged in. */
export interface Somebody {
  readonly id: string
  readonly name: string
  readonly accessToken: string
  readonly refreshToken: string
}

export interface Scene {
  readonly store: ArchivedStore
  readonly clock: Clock
  readonly ask: Ask
  /** What shows that somebody has logged in elsewhere, good for one session. */
  readonly prove: (identity: Identity) => Promise<string>
  /** May do anything. */
  readonly owner: Somebody
  /** With whom it is done; of the registering one there is nothing but the name. */
  readonly ann: Somebody
}

/** Something that the auth service is asked for, and what may have become of it when the service died on the way. */
export interface Operation {
  readonly what: string
  /** What has to be done first, by a service that lives. */
  readonly before?: (scene: Scene) => Promise<unknown>
  readonly act: (scene: Scene) => Promise<Answer>
  /** `told`: the answer came. */
  readonly after: (scene: Scene, told: boolean, at: string) => Promise<void>
}

/** Proofs as the service that has these keys makes them. */
export const proving =
  ({ sealer }: Pick<TokenSigner, 'sealer'>): Scene['prove'] =>
  (identity) =>
    sealProof(sealer, { session: randomBytes(16).toString('base64url'), issuer: 'studio', identity, suggestedName: null })

export const PASSWORD = 'pass word 1'
const OTHER = 'another pass word'

const login = async ({ ask }: Scene, name: string, password = PASSWORD): Promise<number> =>
  (await ask('POST', '/v1/sessions', { name, password })).status

/** The account is whole, or its name can be had by another. */
async function expectThereOrFree(scene: Scene, name: string, at: string): Promise<boolean> {
  const there = (await login(scene, name)) === 201
  const registered = await scene.ask('POST', '/v1/accounts', { name, password: PASSWORD })
  expect(registered.status, `${at}: registering ${name}`).toBe(there ? 409 : 201)
  return there
}

const stays = async (scene: Scene, _: boolean, at: string): Promise<void> => {
  expect(await login(scene, scene.ann.name), at).toBe(201)
}

const forOwner = (what: string, method: string, path: string, body?: object): Pick<Operation, 'what' | 'act'> => ({
  what,
  act: ({ ask, ann, owner }) => ask(method, `/v1/admin/accounts/${ann.id}/${path}`, body, owner.accessToken),
})

/** Of one who comes with this login from elsewhere the next time: they get the account that it opens, or a new one. */
async function expectOpensOrFree(scene: Scene, told: boolean, expected: string | undefined, at: string): Promise<void> {
  const identity = elsewhere(scene)
  const holder = await identityHolder(scene.store, identityKey(identity))
  expect(told ? [expected] : [undefined, scene.ann.id], at).toContain(holder)
  const { status, body } = await scene.ask('POST', '/v1/oidc/sessions', {
    proof: await scene.prove(identity),
    name: `${scene.ann.name}Other`,
  })
  expect(status, `${at}: ${JSON.stringify(body)}`).toBe(201)
  const opened = z.object({ account: z.object({ id: z.string() }) }).parse(body).account.id
  expect(opened === scene.ann.id, at).toBe(holder !== undefined)
}

const elsewhere = ({ ann }: Scene): Identity => ({ issuer: 'https://accounts.example', subject: `elsewhere-${ann.id}` })

const link = async (scene: Scene): Promise<Answer> => {
  const body = { proof: await scene.prove(elsewhere(scene)), password: PASSWORD }
  return scene.ask('POST', '/v1/accounts/current/identities', body, scene.ann.accessToken)
}

export const operations: readonly Operation[] = [
  {
    what: 'a registration',
    act: ({ ask, ann }) => ask('POST', '/v1/accounts', { name: `${ann.name}New`, password: PASSWORD }),
    async after(scene, told, at) {
      const there = await expectThereOrFree(scene, `${scene.ann.name}New`, at)
      if (told) expect(there, at).toBe(true)
    },
  },
  { what: 'a login', act: ({ ask, ann }) => ask('POST', '/v1/sessions', { name: ann.name, password: PASSWORD }), after: stays },
  { what: 'a renewal', act: ({ ask, ann }) => ask('POST', '/v1/sessions/refresh', { refreshToken: ann.refreshToken }), after: stays },
  { what: 'a logout', act: ({ ask, ann }) => ask('DELETE', '/v1/sessions/current', undefined, ann.accessToken), after: stays },
  { what: 'a logout everywhere', act: ({ ask, ann }) => ask('DELETE', '/v1/sessions', undefined, ann.accessToken), after: stays },
  {
    what: 'a change of the password',
    act: ({ ask, ann }) => ask('POST', '/v1/accounts/current/password', { password: PASSWORD, newPassword: OTHER }, ann.accessToken),
    async after(scene, told, at) {
      const both = [await login(scene, scene.ann.name), await login(scene, scene.ann.name, OTHER)]
      expect(
        told
          ? [[401, 201]]
          : [
              [401, 201],
              [201, 401],
            ],
        at,
      ).toContainEqual(both)
    },
  },
  {
    what: 'a deletion',
    act: ({ ask, ann }) => ask('POST', '/v1/accounts/current/deletion', { password: PASSWORD }, ann.accessToken),
    async after(scene, told, at) {
      const { store, ann } = scene
      const there = await expectThereOrFree(scene, ann.name, at)
      if (told) expect(there, at).toBe(false)
      if (!there) expect(await textOf(store, ann.id), at).not.toMatch(new RegExp(`${ann.name}|argon2`))
    },
  },
  {
    what: 'an account made by a login elsewhere',
    act: async (scene) =>
      scene.ask('POST', '/v1/oidc/sessions', { proof: await scene.prove(elsewhere(scene)), name: `${scene.ann.name}New` }),
    async after(scene, told, at) {
      const key = identityKey(elsewhere(scene))
      const holder = await identityHolder(scene.store, key)
      if (told) expect(holder, at).toBeDefined()
      expect(await nameHolder(scene.store, `${scene.ann.name}New`), at).toBe(holder)
      const body = { proof: await scene.prove(elsewhere(scene)), name: `${scene.ann.name}New` }
      expect((await scene.ask('POST', '/v1/oidc/sessions', body)).status, at).toBe(201)
      expect(await identityHolder(scene.store, key), at).toEqual(holder ?? expect.any(String))
    },
  },
  {
    what: 'a link of a login elsewhere',
    act: link,
    async after(scene, told, at) {
      await expectOpensOrFree(scene, told, scene.ann.id, at)
      await stays(scene, told, at)
    },
  },
  {
    what: 'a removal of a login elsewhere',
    before: link,
    act: (scene) => {
      const path = `/v1/accounts/current/identities/${identityKey(elsewhere(scene))}/removal`
      return scene.ask('POST', path, { password: PASSWORD }, scene.ann.accessToken)
    },
    async after(scene, told, at) {
      await expectOpensOrFree(scene, told, undefined, at)
      await stays(scene, told, at)
    },
  },
  {
    ...forOwner('a ban', 'PUT', 'ban', { reason: 'rude' }),
    async after(scene, told, at) {
      const status = await login(scene, scene.ann.name)
      expect(told ? [403] : [201, 403], at).toContain(status)
    },
  },
  {
    ...forOwner('the end of a ban', 'DELETE', 'ban'),
    before: forOwner('', 'PUT', 'ban', { reason: 'rude' }).act,
    async after(scene, told, at) {
      expect(told ? [201] : [201, 403], at).toContain(await login(scene, scene.ann.name))
    },
  },
  {
    ...forOwner('a role', 'PUT', 'role', { role: 'moderator' }),
    async after(scene, told, at) {
      const role = await staffRoleOf(scene.store, scene.ann.id)
      expect(told ? ['moderator'] : ['moderator', undefined], at).toContain(role)
      await stays(scene, told, at)
    },
  },
]

/** After the erasure by command: all of it is there, or nothing. */
export async function expectErasedOrThere(scene: Scene, told: boolean, at: string): Promise<void> {
  const { store, ann } = scene
  const there = (await findAccount(store, ann.id)) !== undefined
  if (told) expect(there, at).toBe(false)
  expect(await nameHolder(store, ann.name), at).toBe(there ? ann.id : undefined)
  if (!there) expect(await textOf(store, ann.id), at).not.toMatch(new RegExp(`${ann.name}|argon2|agent`))
}
