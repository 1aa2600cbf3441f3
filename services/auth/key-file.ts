import { readFileSync } from 'node:fs'
import { BailiwickError, describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { SIGNING_KEY_READ_EVERY } from '../../core/timing.ts'
import type { TokenSigner } from '../../platform/tokens/index.ts'

/** The signing keys of a file. Throws ConfigInvalid. */
export function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new BailiwickError('ConfigInvalid', {
      asked: `SIGNING_KEY_FILE ${path}`,
      found: 'no file that can be read',
      todo: 'mount one',
      cause,
    })
  }
}

/** Takes over what is written into the file while the service runs. A file that can't be read, or holds no key, changes nothing and is told once. */
export function followKeyFile(path: string, began: string, signer: TokenSigner, log: Log): { stop(): void } {
  let known = began
  let told = ''
  const look = async (): Promise<void> => {
    try {
      const now = readKeyFile(path)
      if (now === known) return
      await signer.replaceKeys(now)
      known = now
      told = ''
      log.info({ keys: signer.publicJwks().keys.map((key) => key.kid) }, 'signing keys changed')
    } catch (error) {
      const detail = describeError(error)
      if (detail !== told) log.error({ detail }, 'the signing keys stay as they were')
      told = detail
    }
  }
  const timer = setInterval(() => void look(), SIGNING_KEY_READ_EVERY)
  return { stop: () => clearInterval(timer) }
}
