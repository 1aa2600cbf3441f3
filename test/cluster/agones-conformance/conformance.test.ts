import { afterAll, beforeAll, describe } from 'vitest'
import { autoscalerRows } from './rows/autoscalers.ts'
import { fleetRows } from './rows/fleets.ts'
import { objectRows } from './rows/objects.ts'
import { sdkRows } from './rows/sdk.ts'
import { type Stage, setStage } from './stage.ts'

let set: Stage | undefined

function stage(): Stage {
  if (set === undefined) throw new Error('the stage is not set')
  return set
}

beforeAll(async () => {
  set = await setStage()
})

afterAll(async () => {
  await set?.strike()
})

// The slowest rows first: the others fill the time beside them.
describe.concurrent('what Bailiwick relies on in Agones', { timeout: 240_000 }, () => {
  fleetRows(stage)
  autoscalerRows(stage)
  sdkRows(stage)
  objectRows(stage)
})
