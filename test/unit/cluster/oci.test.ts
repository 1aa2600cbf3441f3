import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'bailiwick-oci-'))
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
const { cachedLayer, image, layer, sendImages } = await import('../../cluster/oci.ts')
const source = join(folder, 'source')

beforeEach(() => {
  rmSync(source, { recursive: true, force: true })
  mkdirSync(join(source, 'app'), { recursive: true })
  writeFileSync(join(source, 'app', 'a.ts'), 'a')
  writeFileSync(join(source, 'app', 'b.ts'), 'b')
})

afterAll(() => rmSync(folder, { recursive: true }))

const blobFile = (digest: string) => join(folder, 'cache', 'bailiwick', 'images', 'blobs', ...digest.split(':'))
const listing = (archive: string) => execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }).trim().split('\n')

test('the same files give the same layer whatever their times and modes', async () => {
  const before = await layer([{ folder: source, paths: ['app'] }])
  utimesSync(join(source, 'app', 'a.ts'), 1, 1)
  writeFileSync(join(source, 'app', 'b.ts'), 'b', { mode: 0o600 })
  expect(await layer([{ folder: source, paths: ['app'] }])).toEqual(before)
  writeFileSync(join(source, 'app', 'b.ts'), 'c')
  expect(await layer([{ folder: source, paths: ['app'] }])).not.toEqual(before)
})

test('parts of a layer are put below a path, renamed and left out as told', async () => {
  const { digest } = await layer([
    { folder: source, paths: ['app'], below: 'opt', exclude: ['b.ts'] },
    { folder: join(source, 'app'), paths: ['b.ts'], as: 'usr/bin/program' },
  ])
  expect(listing(blobFile(digest))).toEqual(['opt/app/', 'opt/app/a.ts', 'usr/bin/program'])
})

test('a layer of a known key is not made again unless its content was removed', async () => {
  const parts = vi.fn(() => [{ folder: source, paths: ['app'] }])
  const first = await cachedLayer('key', parts)
  expect(await cachedLayer('key', parts)).toEqual(first)
  expect(parts).toHaveBeenCalledTimes(1)
  rmSync(blobFile(first.digest))
  expect(await cachedLayer('key', parts)).toEqual(first)
  expect(parts).toHaveBeenCalledTimes(2)
})

test('an archive holds the images by name and leaves out what the receiver has', async () => {
  const base = await layer([{ folder: source, paths: ['app/a.ts'] }])
  const own = await layer([{ folder: source, paths: ['app/b.ts'] }])
  const built = image({ name: 'docker.io/library/x:dev', layers: [base, own], entrypoint: ['/x'] })
  const archive = join(folder, 'archive.tar')
  await sendImages([built], new Set([base.digest]), ['tee', archive])
  const names = listing(archive)
  expect(names).toContain(`blobs/${own.digest.replace(':', '/')}`)
  expect(names).not.toContain(`blobs/${base.digest.replace(':', '/')}`)
  const index = JSON.parse(execFileSync('tar', ['-xOf', archive, 'index.json'], { encoding: 'utf8' }))
  expect(index.manifests).toEqual([
    expect.objectContaining({ digest: built.manifest.digest, annotations: { 'io.containerd.image.name': built.name } }),
  ])
  const manifest = JSON.parse(readFileSync(blobFile(built.manifest.digest), 'utf8'))
  expect(manifest.layers.map(({ digest }: { digest: string }) => digest)).toEqual([base.digest, own.digest])
  expect(built.blobs.every(({ digest }) => existsSync(blobFile(digest)))).toBe(true)
})

test('a receiver that fails is an error that says what it said', async () => {
  const built = image({ name: 'x:dev', layers: [], entrypoint: ['/x'] })
  await expect(sendImages([built], new Set(), ['sh', '-c', 'cat >/dev/null; echo no room >&2; exit 3'])).rejects.toThrow(/code 3: no room/)
})
