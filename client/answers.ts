import { BailiwickError } from '../core/errors.ts'

export interface Account {
  readonly id: string
  readonly name: string
}

export interface Tokens {
  readonly account: Account
  readonly accessToken: string
  readonly expiresInMs: number
  /** Absent: it is in a cookie. */
  readonly refreshToken?: string
}

/** One login of the account; times as ISO 8601. */
export interface SessionSummary {
  readonly id: string
  readonly openedAt: string
  readonly usedAt: string
  readonly expiresAt: string
  /** What the client called itself. */
  readonly agent: string
  /** The one that asks. */
  readonly current: boolean
}

/** The account as its owner sees it. */
export interface Profile extends Account {
  /** ISO 8601. */
  readonly createdAt: string
  /** False: it is opened by logins of issuers alone. */
  readonly hasPassword: boolean
}

/** An issuer of accounts that a player may log in with. */
export interface IssuerName {
  readonly id: string
  readonly name: string
}

/** Who logged in at an issuer. */
export interface Identified {
  readonly issuer: IssuerName
  /** The account that it opens; null: none yet. */
  readonly account: Account | null
  /** For a new account; null: nothing that could be one. */
  readonly suggestedName: string | null
  /** Absent: it is in a cookie. */
  readonly proof?: string
}

/** A login of an issuer that opens the account. */
export interface LinkedLogin {
  readonly id: string
  /** Its identifier, a URL. */
  readonly issuer: string
  /** What it is called; null: players can't log in there any more. */
  readonly name: string | null
  /** ISO 8601. */
  readonly linkedAt: string
}

export interface Character {
  readonly id: string
  readonly name: string
  /** Another one after each change, also when it goes into a zone or out of one; absent: a service of an earlier release. */
  readonly version?: number
  readonly zone: string | null
  /** Metres; null until its first join. */
  readonly position: { readonly x: number; readonly y: number } | null
  readonly stats?: { readonly health: number; readonly energy: number }
  readonly inventory: readonly { readonly id: string; readonly kind: string }[]
  /** In a layer, which alone knows how it is now: zone, position, stats and inventory are as they were when it went in. */
  readonly resident?: boolean
  /** How long ago they were so, milliseconds; null: not known. */
  readonly ageMs?: number | null
  /** When it will be deleted (ISO 8601) unless it is restored; null: never. */
  readonly deletesAt?: string | null
  readonly location: { readonly state: 'Offline' | 'InZone'; readonly zone?: string; readonly layer?: string }
  readonly createdAt: number | string
}

export type ZoneState = 'Asleep' | 'Waking' | 'Serving' | 'Suspended'

export interface ZoneSummary {
  readonly namespace: string
  readonly name: string
  readonly state: ZoneState
  readonly players: number
  /** How many are served. */
  readonly layers: number
}

export interface ZoneDetail {
  /** Names this content: by it the allocator knows whether something changed since. */
  readonly etag?: string
  readonly namespace: string
  readonly name: string
  readonly state: ZoneState
  readonly players: number
  readonly layers: readonly {
    readonly index: number
    readonly state: string
    readonly epoch: number
    readonly players: number
    readonly endpoints: readonly string[]
  }[]
  /** namespace/name of each zone whose border with this one is open. */
  readonly neighbours: readonly string[]
  /** How long ago the allocator knew it to be so, ms. */
  readonly age?: number
}

export interface PlayerLocation {
  readonly state: 'Offline' | 'InZone'
  readonly zone?: string
  readonly layer?: string
  /** Milliseconds since 1970. */
  readonly since?: number
  /** How long ago the index was asked, ms. */
  readonly age?: number
}

export interface JoinAnswer {
  readonly layer: string
  /** Waking: its host is still bringing it back, and answers the hello when it has. */
  readonly state?: 'Serving' | 'Waking'
  /** In which it is served; while it is Waking: in which it was served last. */
  readonly epoch: number
  /** Of the layer's assignment to this host. */
  readonly generation?: number
  readonly endpoints: readonly string[]
  readonly ticket: string
  readonly expiresInMs: number
  /** How long ago the index was asked, ms. */
  readonly age?: number
}

type Fields = Readonly<Record<string, unknown>>
type Reader<T> = (value: unknown, what: string) => T

/** What services answer is read field by field, so that an answer of something else is told as that and not as a crash later. Each throws Unreachable. */
export const readAccount: Reader<Account> = (value, what) => {
  const fields = object(value, what)
  return { id: text(fields['id'], `${what}.id`), name: text(fields['name'], `${what}.name`) }
}

export const readProfile: Reader<Profile> = (value, what) => {
  const fields = object(value, what)
  return {
    ...readAccount(value, what),
    createdAt: text(fields['createdAt'], `${what}.createdAt`),
    // An auth of an earlier version has no others.
    hasPassword: fields['hasPassword'] !== false,
  }
}

/** Of the same form, though no account. */
export const readIssuerName: Reader<IssuerName> = readAccount

export const readIdentified: Reader<Identified> = (value, what) => {
  const fields = object(value, what)
  const { account = null, suggestedName = null, proof } = fields
  return {
    issuer: readIssuerName(fields['issuer'], `${what}.issuer`),
    account: account === null ? null : readAccount(account, `${what}.account`),
    suggestedName: suggestedName === null ? null : text(suggestedName, `${what}.suggestedName`),
    ...(proof === undefined ? {} : { proof: text(proof, `${what}.proof`) }),
  }
}

export const readLinkedLogin: Reader<LinkedLogin> = (value, what) => {
  const fields = object(value, what)
  return {
    id: text(fields['id'], `${what}.id`),
    issuer: text(fields['issuer'], `${what}.issuer`),
    name: fields['name'] == null ? null : text(fields['name'], `${what}.name`),
    linkedAt: text(fields['linkedAt'], `${what}.linkedAt`),
  }
}

export const readTokens: Reader<Tokens> = (value, what) => {
  const fields = object(value, what)
  return {
    account: readAccount(fields['account'], `${what}.account`),
    accessToken: text(fields['accessToken'], `${what}.accessToken`),
    expiresInMs: number(fields['expiresInMs'], `${what}.expiresInMs`),
    ...(fields['refreshToken'] === undefined ? {} : { refreshToken: text(fields['refreshToken'], `${what}.refreshToken`) }),
  }
}

export const readSession: Reader<SessionSummary> = (value, what) => {
  const fields = object(value, what)
  return {
    id: text(fields['id'], `${what}.id`),
    openedAt: text(fields['openedAt'], `${what}.openedAt`),
    usedAt: text(fields['usedAt'], `${what}.usedAt`),
    expiresAt: text(fields['expiresAt'], `${what}.expiresAt`),
    agent: text(fields['agent'], `${what}.agent`),
    current: fields['current'] === true,
  }
}

export const readCharacter: Reader<Character> = (value, what) => {
  const fields = object(value, what)
  const position = fields['position'] ?? null
  const createdAt = fields['createdAt']
  return {
    id: text(fields['id'], `${what}.id`),
    name: text(fields['name'], `${what}.name`),
    zone: fields['zone'] == null ? null : text(fields['zone'], `${what}.zone`),
    position: position === null ? null : readPoint(position, `${what}.position`),
    ...readNewer(fields, what),
    inventory: list(fields['inventory'], `${what}.inventory`, readItem),
    location: readLocation(fields['location'], `${what}.location`),
    createdAt: typeof createdAt === 'number' ? createdAt : text(createdAt, `${what}.createdAt`),
  }
}

/** What a service of an earlier release says nothing of. */
function readNewer(fields: Fields, what: string): Pick<Character, 'version' | 'stats' | 'resident' | 'ageMs' | 'deletesAt'> {
  const { version, stats, resident, ageMs, deletesAt } = fields
  return {
    ...(version === undefined ? {} : { version: number(version, `${what}.version`) }),
    ...(stats === undefined ? {} : { stats: readStats(stats, `${what}.stats`) }),
    ...(resident === undefined ? {} : { resident: resident === true }),
    ...(ageMs === undefined ? {} : { ageMs: ageMs === null ? null : number(ageMs, `${what}.ageMs`) }),
    ...(deletesAt === undefined ? {} : { deletesAt: deletesAt === null ? null : text(deletesAt, `${what}.deletesAt`) }),
  }
}

const readStats: Reader<{ health: number; energy: number }> = (value, what) => {
  const fields = object(value, what)
  return { health: number(fields['health'], `${what}.health`), energy: number(fields['energy'], `${what}.energy`) }
}

export const readZoneSummary: Reader<ZoneSummary> = (value, what) => {
  const fields = object(value, what)
  return { ...readZoneHead(fields, what), layers: number(fields['layers'], `${what}.layers`) }
}

export const readZoneDetail: Reader<ZoneDetail> = (value, what) => {
  const fields = object(value, what)
  return {
    ...readZoneHead(fields, what),
    layers: list(fields['layers'], `${what}.layers`, readLayer),
    // An allocator of an earlier version says nothing of them.
    neighbours: list(fields['neighbours'] ?? [], `${what}.neighbours`, text),
    ...readAge(fields, what),
  }
}

export const readJoin: Reader<JoinAnswer> = (value, what) => {
  const fields = object(value, what)
  return {
    layer: text(fields['layer'], `${what}.layer`),
    // An allocator of an earlier version answers when it is served, and says nothing of it.
    state: oneOf(fields['state'] ?? 'Serving', `${what}.state`, ['Serving', 'Waking']),
    epoch: number(fields['epoch'], `${what}.epoch`),
    ...(fields['generation'] === undefined ? {} : { generation: number(fields['generation'], `${what}.generation`) }),
    endpoints: list(fields['endpoints'], `${what}.endpoints`, text),
    ticket: text(fields['ticket'], `${what}.ticket`),
    expiresInMs: number(fields['expiresInMs'], `${what}.expiresInMs`),
    ...readAge(fields, what),
  }
}

export const readLocationOf: Reader<PlayerLocation> = (value, what) => {
  const fields = object(value, what)
  const since = fields['since']
  return {
    ...readLocation(value, what),
    ...(since === undefined ? {} : { since: number(since, `${what}.since`) }),
    ...readAge(fields, what),
  }
}

/** An allocator of an earlier version does not say it. */
function readAge(fields: Fields, what: string): { age?: number } {
  return fields['age'] === undefined ? {} : { age: number(fields['age'], `${what}.age`) }
}

/** Where the next page begins; undefined: this was the last one. */
export function readNext(value: unknown): string | undefined {
  const next = object(value, 'the answer')['next']
  return next === undefined ? undefined : text(next, 'next')
}

/** The list under `key` of an answer. */
export function readList<T>(value: unknown, key: string, read: Reader<T>): readonly T[] {
  return list(object(value, 'the answer')[key], key, read)
}

/** The member `key` of an answer. */
export function readMember<T>(value: unknown, key: string, read: Reader<T>): T {
  return read(object(value, 'the answer')[key], key)
}

function readZoneHead(fields: Fields, what: string): { namespace: string; name: string; state: ZoneState; players: number } {
  return {
    namespace: text(fields['namespace'], `${what}.namespace`),
    name: text(fields['name'], `${what}.name`),
    state: oneOf(fields['state'], `${what}.state`, ['Asleep', 'Waking', 'Serving', 'Suspended']),
    players: number(fields['players'], `${what}.players`),
  }
}

const readLayer: Reader<ZoneDetail['layers'][number]> = (value, what) => {
  const fields = object(value, what)
  return {
    index: number(fields['index'], `${what}.index`),
    state: text(fields['state'], `${what}.state`),
    epoch: number(fields['epoch'], `${what}.epoch`),
    players: number(fields['players'], `${what}.players`),
    endpoints: list(fields['endpoints'], `${what}.endpoints`, text),
  }
}

const readPoint: Reader<{ x: number; y: number }> = (value, what) => {
  const fields = object(value, what)
  return { x: number(fields['x'], `${what}.x`), y: number(fields['y'], `${what}.y`) }
}

const readItem: Reader<{ id: string; kind: string }> = (value, what) => {
  const fields = object(value, what)
  return { id: text(fields['id'], `${what}.id`), kind: text(fields['kind'], `${what}.kind`) }
}

const readLocation: Reader<Character['location']> = (value, what) => {
  const fields = object(value, what)
  return {
    state: oneOf(fields['state'], `${what}.state`, ['Offline', 'InZone']),
    ...(fields['zone'] == null ? {} : { zone: text(fields['zone'], `${what}.zone`) }),
    ...(fields['layer'] == null ? {} : { layer: text(fields['layer'], `${what}.layer`) }),
  }
}

function object(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notUnderstood(what, 'an object')
  return { ...value }
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw notUnderstood(what, 'a text')
  return value
}

function number(value: unknown, what: string): number {
  if (typeof value !== 'number') throw notUnderstood(what, 'a number')
  return value
}

function oneOf<T extends string>(value: unknown, what: string, allowed: readonly T[]): T {
  const found = allowed.find((entry) => entry === value)
  if (found === undefined) throw notUnderstood(what, `one of ${allowed.join(', ')}`)
  return found
}

function list<T>(value: unknown, what: string, read: Reader<T>): readonly T[] {
  if (!Array.isArray(value)) throw notUnderstood(what, 'a list')
  return value.map((entry, at) => read(entry, `${what}[${at}]`))
}

function notUnderstood(what: string, expected: string): BailiwickError {
  return new BailiwickError('Unreachable', {
    found: `an answer in which ${what} is not ${expected}`,
    todo: 'check that the URL is that of the service and that client and service are of the same release',
  })
}
