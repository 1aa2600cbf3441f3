import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { programEntrypoint, sources } from '../../cluster/images.ts'
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
