import { afterAll, beforeAll, test } from 'vitest'
import { MONGO_BUILD_LIMIT, type MongoServer, startMongo } from '../../contract/mongo-server.ts'
import { extent, givenSeed } from '../extent.ts'
import { killMany } from './kill-many.ts'

const kills = extent({ quick: 5, usual: 20, full: 400 })
const seed = givenSeed ?? Date.now() % 1_000_000

let mongo: MongoServer
beforeAll(async () => {
  mongo = await startMongo()
}, MONGO_BUILD_LIMIT)
afterAll(() => mongo.remove())

test(`${kills} kills of the owner's process, over MongoDB's protocol: nothing confirmed is lost, nothing done twice (BAILIWICK_SEED=${seed})`, async () => {
  await killMany(kills, seed, mongo)
}, 1_800_000)
