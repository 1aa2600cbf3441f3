import { expect, it, onTestFinished } from 'vitest'
import { anyPort, freePorts } from '../free-port.ts'
import { answers, startRedisServer } from './redis-server.ts'

it('no two ports of one server are equal', async () => {
  const [first = 0, second = 0] = await freePorts(2)
  const draws = [first, first, first, second]
  const found = await freePorts(2, () => draws.shift() ?? anyPort())
  expect(new Set(found).size).toBe(2)
})

it("another's Redis on the port is not taken for one's own", async () => {
  const redis = await startRedisServer()
  onTestFinished(() => redis.stop())
  const { pid = 0 } = redis
  await expect.poll(() => answers(redis.port, pid)).toBe(true)
  expect(await answers(redis.port, pid + 1)).toBe(false)
  expect(await answers(redis.port, undefined)).toBe(false)
})
