import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { extent, givenSeed } from '../extent.ts'
import { type Apps, startApps } from './apps.ts'
import { ensureSchemathesis, type Tool } from './tool.ts'

/**
 * What each service's OpenAPI document says holds for whatever schemathesis makes of it: requests of the right shape and of nearly the right one, one by one, and in chains along the
 * document's links. Every answer has a status, content type, headers and body that are documented; bad input is refused and good input is not; nothing is a server error.
 */
const EXAMPLES = extent({ quick: 10, usual: 10, full: 500 })
const isFull = extent({ quick: 0, usual: 0, full: 1 }) === 1
/** Undefined: the same requests each time, as far as they do not follow from answers. In full others each time; the seed is told. */
const SEED = givenSeed ?? (isFull ? Math.floor(Math.random() * 1e9) : undefined)
const LIMIT = extent({ quick: 600_000, usual: 600_000, full: 1_800_000 })

let apps: Apps
let tool: Tool
let folder: string

beforeAll(async () => {
  tool = await ensureSchemathesis()
  apps = await startApps()
  folder = await mkdtemp(join(tmpdir(), 'bailiwick-openapi-'))
}, 1_200_000)

afterAll(async () => {
  await apps?.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

it.each(['allocator', 'allocator-internal', 'auth', 'characters'] as const)(
  '%s does what its OpenAPI document says',
  async (name) => {
    const began = performance.now()
    const { code, output } = await schemathesis(name)
    expect(code, `seed ${SEED ?? 'fixed'}\n${output.slice(-12_000)}`).toBe(0)
    const [cases] = /[\d,]+ generated.*/.exec(output) ?? []
    // Something was asked, indeed.
    expect(cases, output.slice(-4_000)).toBeDefined()
    console.info(`${name}: ${cases}, seed ${SEED ?? 'fixed'}, ${Math.round((performance.now() - began) / 1_000)} s`)
  },
  LIMIT,
)

async function schemathesis(name: keyof Apps['urls']): Promise<{ readonly code: number; readonly output: string }> {
  const url = apps.urls[name]
  // Hooks.py makes accounts there.
  const owner = { OPENAPI_OWNER: apps.owner.name, OPENAPI_OWNER_PASSWORD: apps.owner.password }
  const who = name === 'auth' ? { OPENAPI_AUTH_URL: url, ...owner } : {}
  const token = name === 'auth' ? [] : ['-H', `Authorization: Bearer ${await apps.token()}`]
  const bounds = ['--max-examples', String(EXAMPLES), '--workers', '1', '--request-timeout', '60', '--suppress-health-check', 'all']
  const which = SEED === undefined ? ['--generation-deterministic'] : ['--seed', String(SEED), '--generation-database', 'none']
  const what = ['--phases', 'examples,coverage,fuzzing,stateful', '--checks', 'all']
  const args = ['run', `${url}/openapi.json`, ...token, ...what, ...bounds, ...which, '--no-color']
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, ...tool.env, ...who }, timeout: LIMIT - 10_000, maxBuffer: 64 * 1024 * 1024 }
    execFile(tool.file, [...tool.args, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr })
    })
  })
}
