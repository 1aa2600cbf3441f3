export type { MongoOptions } from './mongo-store.ts'
export { createMongoStore } from './mongo-store.ts'
