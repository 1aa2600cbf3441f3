/** Structured logs, one line an event, with ids. Never a secret: tokens, passwords, tickets and URLs with credentials stay out. */
export interface Log {
  debug(fields: LogFields, event: string): void
  info(fields: LogFields, event: string): void
  warn(fields: LogFields, event: string): void
  error(fields: LogFields, event: string): void
  child(fields: LogFields): Log
}

export type LogFields = Readonly<Record<string, unknown>>

/** A log that says nothing: for tests. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }
