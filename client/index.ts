/** The client library's public face. For plain TCP (Node alone) see tcp.ts. */
export type { Account, Character, JoinAnswer, ZoneDetail, ZoneState, ZoneSummary } from './answers.ts'
export { type Client, type ClientOptions, createClient } from './client.ts'
export { type Connect, type Connection, type ConnectionEvents, webSocketConnect } from './connection.ts'
export type { SessionEnd, SessionStatus, ZoneHandlers } from './handlers.ts'
export { memorySessionStore, type SessionStore, type StoredSession } from './sessions.ts'
export type { TellOutcome } from './tells.ts'
export { describePosition, type ViewedEntity, type ViewedItem, type Welcome, ZoneView } from './view.ts'
export { ZoneSession } from './zone-session.ts'
