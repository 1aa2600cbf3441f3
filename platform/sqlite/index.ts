export type { SqliteOptions } from './sqlite-store.ts'
export { createSqliteStore } from './sqlite-store.ts'
