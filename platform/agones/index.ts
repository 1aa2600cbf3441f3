export type { AgonesOptions } from './agones-game-server.ts'
export { createAgonesGameServer } from './agones-game-server.ts'
