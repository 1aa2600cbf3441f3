import { test } from 'vitest'
import { extent, givenSeed } from '../extent.ts'
import { killMany } from './kill-many.ts'

const kills = extent({ quick: 5, usual: 40, full: 600 })
const seed = givenSeed ?? Date.now() % 1_000_000

test(`${kills} kills of the owner's process, over SQLite: nothing confirmed is lost, nothing done twice (BAILIWICK_SEED=${seed})`, async () => {
  await killMany(kills, seed)
}, 1_800_000)
