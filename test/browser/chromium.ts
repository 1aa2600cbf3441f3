import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { silentLog } from '../../core/ports/log-port.ts'
import { createEmbeddedWorld, type WorldOptions } from '../../dev/world.ts'
import { ensurePackage, findProgram } from '../cluster/packages.ts'

/** How long the browser's package may take to come. */
export const INSTALL_LIMIT = 900_000
/** Of one step of a page, on a machine that is busy. */
const STEP_LIMIT = 60_000
/** A network that is not there is not asked, nor is a graphics card. */
const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Chromium of this machine; Debian's package is installed when there is none and we may. */
export function ensureChromium(): Promise<void> {
  return ensurePackage('chromium', 'chromium', (line) => console.error(line))
}

/** A browser of its own for one test; each page of it is one of another person. What a page throws fails the test. */
export async function openBrowser(): Promise<() => Promise<Page>> {
  // Its sandbox does not let root in.
  const args = process.getuid?.() === 0 ? [...quiet, '--no-sandbox'] : quiet
  const browser = await chromium.launch({ executablePath: findProgram('chromium') ?? 'chromium', args, timeout: STEP_LIMIT })
  const thrown: unknown[] = []
  onTestFinished(async () => {
    await browser.close()
    expect(thrown).toEqual([])
  })
  return async () => {
    const page = await (await browser.newContext({ viewport: { width: 1_100, height: 760 } })).newPage()
    page.setDefaultTimeout(STEP_LIMIT)
    page.on('pageerror', (error) => thrown.push(error))
    return page
  }
}

/** The whole world in this process, for one test; without zones, so that it starts no hosts. */
export async function startWorld(options: Pick<WorldOptions, 'port' | 'issuers'>): Promise<{ readonly url: string }> {
  const data = mkdtempSync(join(tmpdir(), 'bailiwick-page-'))
  mkdirSync(join(data, 'zones'))
  const world = await createEmbeddedWorld({
    ...{ host: '127.0.0.1', zones: join(data, 'zones'), data, log: silentLog, logLevel: 'error', capacity: 4, bounds: { spare: 0 } },
    ...options,
  })
  onTestFinished(async () => {
    await world.close()
    rmSync(data, { recursive: true, force: true })
  })
  return world
}

/** What the page says went wrong. */
export async function problemOf(page: Page): Promise<string> {
  const line = page.locator('#error:not([hidden])')
  await line.waitFor()
  return (await line.textContent()) ?? ''
}

export const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
