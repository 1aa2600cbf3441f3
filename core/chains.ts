import type { Point } from './geometry.ts'
import type { LayerId, ZoneId } from './ids.ts'

/** The names of the store's chains: one place, so that no two things share one. */
export const chains = {
  layer: (layer: LayerId) => `layer/${layer}`,
  /** What the layer did not survive: zone-server/evidence.ts. */
  evidence: (layer: LayerId) => `evidence/${layer}`,
  character: (character: string) => `character/${character}`,
  charactersOf: (account: string) => `account-characters/${account}`,
  /** What an account asked for with an Idempotency-Key: platform/http/idempotency.ts. */
  requestsOf: (account: string) => `account-requests/${account}`,
  account: (account: string) => `account/${account}`,
  accountName: (foldedName: string) => `account-name/${foldedName}`,
  /** Whose account a login of another issuer opens: services/auth/identities.ts. */
  identity: (key: string) => `account-identity/${key}`,
  characterName: (foldedName: string) => `character-name/${foldedName}`,
  /** Of a backup, which is a store in a file: what the other chains of it hold. */
  backupManifest: 'backup/manifest',
  /** Of a store that was restored: from which backup, and that all of it is there. */
  restored: 'backup/restored',
  session: (session: string) => `session/${session}`,
  sessionsOf: (account: string) => `account-sessions/${account}`,
  /** Who has more rights than a player: services/auth/staff.ts. */
  staff: 'staff',
  /** What moderators and admins did: never pruned. */
  audit: 'audit',
  /** Accounts to be erased, and how far each service is with them: core/erasures.ts. */
  erasures: 'erasures',
  erasureCursor: (eraser: string) => `erasures-done/${eraser}`,
  /** An erasure that this service could not do yet. */
  erasureRetry: (eraser: string, account: string) => `${eraser}-erasures/${account}`,
} as const

/**
 * The kinds of chains (what stands before the first slash) that somebody asks the store for by what is due: the store has an index for each. Services ask by no other.
 */
export const dueKinds = [
  'character',
  'account-characters',
  'account-requests',
  'account-name',
  'account-identity',
  'session',
  'auth-erasures',
  'characters-erasures',
] as const
export type DueKind = (typeof dueKinds)[number]

/** The form of a name that decides whether two names are the same: compatibility-normalised and lower case. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/**
 * One record of a layer's chain. The epoch is the n of the newest `open`. Every record says where the newest whole snapshot before it stands
 * (`lastSnapshot`, 0: none), so that a claim reads that one and what is behind it, and not the chain; and where the newest `erased` stood (`erasedAt`,
 * 0: never erased), so that what was held by the layer before is known to be free. docs/durability.md.
 */
export type LayerRecord = LayerOpen | LayerSnapshot | LayerSegment | LayerClose | LayerErased

/** A host has claimed the layer. */
export interface LayerOpen {
  readonly kind: 'open'
  readonly host: string
  readonly generation: number
  /** The rules that step it. */
  readonly code: string
  /** The hash of the zone's content. */
  readonly content: string
  readonly lastSnapshot: number
  readonly erasedAt: number
}

/** The whole state, as the blob. */
export interface LayerSnapshot {
  readonly kind: 'snapshot'
  readonly epoch: number
  readonly code: string
  readonly content: string
  readonly tick: number
  /** The tick of the newest journal entry that is in the state; 0: none. Between it and `tick` nothing happened that anybody was told of. */
  readonly entry: number
  /** The hash of the state: 16 hexadecimal digits. */
  readonly digest: string
  /** The hash of the blob's content. */
  readonly hash: string
  readonly lastSnapshot: number
  readonly erasedAt: number
}

/** Journal entries, as the blob: what the layer was told since the snapshot or segment before. */
export interface LayerSegment {
  readonly kind: 'segment'
  readonly epoch: number
  /** The tick of the entry before the first one; 0: none. */
  readonly from: number
  /** The tick of the last one. */
  readonly to: number
  readonly hash: string
  readonly lastSnapshot: number
  readonly erasedAt: number
}

/** The epoch ended in order, at this tick, behind a snapshot of it. */
export interface LayerClose {
  readonly kind: 'close'
  readonly epoch: number
  readonly tick: number
  readonly lastSnapshot: number
  readonly erasedAt: number
}

/** The zone's data was deleted. */
export interface LayerErased {
  readonly kind: 'erased'
  readonly lastSnapshot: 0
}

/**
 * One record of a character's chain; each is whole, so the chain is pruned behind its head. The character's version is the record's n. Its chain decides everything about it: what needs
 * other chains as well (a slot in its account's roster, the claim of a name) is begun here, done there and ended here.
 */
export type CharacterRecord = LivingCharacter | DeletedCharacter

/**
 * `making`: it wants its slot and its name, and nobody knows it yet. `released`: here is its state. `held`: resident in a layer, its live state is there.
 * `renaming`: it wants the name `wanted`. `deleting`: it goes at `dueAt`, until when its account may take that back.
 */
export interface LivingCharacter {
  readonly kind: 'making' | 'released' | 'held' | 'renaming' | 'deleting'
  readonly account: string
  readonly name: string
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number
  /** When its state was so; absent in what the first release wrote. */
  readonly at?: number
  /** The layer that holds it, and the epoch in which it was taken; only with `held`. */
  readonly layer?: LayerId
  readonly epoch?: number
  /** Only with `renaming`. */
  readonly wanted?: string
  /** When somebody shall look after it: with all that pass, so not with `released` and `held`. */
  readonly dueAt?: number
  readonly state: CharacterState
}

/** It is gone. What is left to do (to free its name and its slot) stands in it until it is done; then it says nothing of anybody. */
export interface DeletedCharacter {
  readonly kind: 'deleted'
  readonly account?: string
  readonly name?: string
  readonly dueAt?: number
  /** Why it was never made. */
  readonly refused?: 'NameTaken' | 'TooManyCharacters'
}

/** What a character takes from place to place. */
export interface CharacterState {
  /** Where it was last; null until its first join. */
  readonly zone: ZoneId | null
  /** In millimetres of the plane; null until its first join. */
  readonly position: Point | null
  readonly inventory: readonly Item[]
  /** The last input sequence number that was applied. */
  readonly inputSequence: number
  /** Absent: as good as can be. */
  readonly stats?: Stats | undefined
}

/** How a character is, each from 0 to MAX_STAT. */
export interface Stats {
  readonly health: number
  readonly energy: number
}

export const MAX_STAT = 100

export interface Item {
  /** World-wide unique: `character/k` or `layer/epoch/k` of where it was made. */
  readonly id: string
  readonly kind: string
}

export const MAX_INVENTORY = 20
