import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compiledFolder } from '../../cluster/compiled.ts'
import { programEntrypoint, programs, sources } from '../../cluster/images.ts'
import { root } from '../../cluster/paths.ts'

const containerfile = readFileSync(join(root, 'images', 'Containerfile'), 'utf8')

test('the Containerfile packs the same sources as the image of the test cluster', () => {
  const copied = [...containerfile.matchAll(/^COPY (\S+) \.\/(\S+)$/gm)].map(([, from, to]) => [from, to])
  expect(copied).toEqual(sources.map((name) => [name, name]))
})

test('the Containerfile runs the Node that the package asks for', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const bases = [...containerfile.matchAll(/^FROM \S+:([\d.]+)-slim/gm)].map(([, version]) => version)
  expect(bases).toEqual([dependencies.node, dependencies.node])
})

test('the Containerfile starts its program as the image of the test cluster does', () => {
  const entrypoint = /^ENTRYPOINT (.*)$/m.exec(containerfile)?.[1] ?? ''
  expect(JSON.parse(entrypoint)).toEqual(programEntrypoint)
})

test('the Containerfile compiles the same programs beforehand, to where Node looks for it', () => {
  const named = /^RUN for program in ([^;]*);/m.exec(containerfile)?.[1] ?? ''
  expect(named.split(' ').map((each) => `${each}/main.ts`)).toEqual(programs)
  expect(containerfile).toContain(`ENV NODE_COMPILE_CACHE=${compiledFolder}\n`)
})
