/** The client library's public face. For plain TCP (Node alone) see tcp.ts. */
export type {
  Account,
  Character,
  Identified,
  IssuerName,
  JoinAnswer,
  LinkedLogin,
  PlayerLocation,
  Profile,
  SessionSummary,
  ZoneDetail,
  ZoneState,
  ZoneSummary,
} from './answers.ts'
export type { Characters } from './characters.ts'
export { type Client, type ClientOptions, createClient } from './client.ts'
export { type Connect, type Connection, type ConnectionEvents, webSocketConnect } from './connection.ts'
export type { SessionEnd, SessionStatus, ZoneHandlers } from './handlers.ts'
export type { GameLogin, Issuers } from './issuers.ts'
export { randomKey } from './key.ts'
export { memorySessionStore, pageSessionStore, type RefreshIn, type SessionStore, type StoredSession } from './sessions.ts'
export type { TellOutcome } from './tells.ts'
export { describePosition, type ViewedEntity, type ViewedItem, type Welcome, ZoneView } from './view.ts'
export type { ZoneFilter } from './zone-list.ts'
export { ZoneSession } from './zone-session.ts'
