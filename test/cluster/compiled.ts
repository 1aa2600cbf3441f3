import { chmodSync, globSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Blob, cachedLayer, unpack } from './oci.ts'
import { cacheDir } from './paths.ts'
import { CommandError, run } from './run.ts'

/** Where the image keeps what its modules compile to. */
export const compiledFolder = '/app/.compiled'
/** The user of a container. Node's cache is of the user who made it. */
const USER = '65532:65532'

/**
 * A layer of what the modules of these programs compile to, over the layers that hold the modules: see images/Containerfile. A pod that starts does not compile them again, which is half of what its start costs.
 * Programs run for as long as it takes to find that their settings are missing.
 */
export function compiledLayer(layers: readonly Blob[], programs: readonly string[]): Promise<Blob> {
  const key = JSON.stringify(['compiled', layers.map(({ digest }) => digest), programs])
  return cachedLayer(key, async () => {
    const folder = join(cacheDir, 'images', 'compiled')
    const image = join(folder, 'image')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(image, { recursive: true })
    await unpack(layers, image)
    mkdirSync(join(image, compiledFolder))
    chmodSync(join(image, compiledFolder), 0o777)
    for (const program of programs) await compile(image, program)
    const made = join(folder, 'app', '.compiled')
    mkdirSync(join(folder, 'app'))
    renameSync(join(image, compiledFolder), made)
    rmSync(image, { recursive: true })
    if (globSync('*/*', { cwd: made }).length === 0) throw new Error(`${programs.join(', ')} left nothing compiled in ${compiledFolder}`)
    return [{ folder, paths: ['app'] }]
  })
}

async function compile(image: string, program: string): Promise<void> {
  const args = [`--userspec=${USER}`, image, '/usr/local/bin/node', `/app/${program}`]
  try {
    await run('chroot', args, { env: { NODE_COMPILE_CACHE: compiledFolder }, timeoutMs: 60_000 })
  } catch (error) {
    // Without settings it ends with an error, as it should.
    if (!(error instanceof CommandError) || error.code !== 1) throw error
  }
}
