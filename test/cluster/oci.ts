import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cacheDir } from './paths.ts'
import { run } from './run.ts'

/*
 * Images in the OCI layout, made of tar files without a builder: a layer is made once for each content, so a change of source costs a tar of the sources.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */

const store = join(cacheDir, 'images')
const blobPath = (digest: string) => join('blobs', ...digest.split(':'))

export type Blob = { digest: string; size: number }

export type ImageSpec = {
  /** Full name with registry and tag, as in docker.io/library/bailiwick:dev. */
  name: string
  layers: Blob[]
  entrypoint: string[]
  env?: Record<string, string>
  user?: string
  workingDir?: string
}

export type Image = { name: string; manifest: Blob; blobs: Blob[] }

/** What a tar archive is made of: files of one folder, put below a path of the image. */
export type LayerPart = {
  folder: string
  paths: string[]
  /** Where they lie in the image, relative to its root, as in `app`. */
  below?: string
  /** For a single file: its path in the image. */
  as?: string
  /** Permissions of all of them instead of "everybody reads". */
  mode?: string
  exclude?: string[]
  /** Takes the files that symbolic links point to. */
  dereference?: boolean
}

/** The cached layer of that key, made by `parts` when there is none. The key must name everything the content depends on. */
export async function cachedLayer(key: string, parts: () => LayerPart[] | Promise<LayerPart[]>): Promise<Blob> {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 24)
  const note = join(store, 'layers', hash)
  if (existsSync(note)) {
    const blob: Blob = JSON.parse(readFileSync(note, 'utf8'))
    if (existsSync(join(store, blobPath(blob.digest)))) return blob
  }
  const blob = await layer(await parts())
  writeWhole(note, JSON.stringify(blob))
  return blob
}

/** A layer of exactly these files. The same files give the same digest: order, owner, mode and time are made uniform. */
export async function layer(parts: LayerPart[]): Promise<Blob> {
  mkdirSync(store, { recursive: true })
  const folder = mkdtempSync(join(store, '.layer-'))
  try {
    const archive = join(folder, 'layer.tar')
    for (const [index, part] of parts.entries()) await run('tar', tarArguments(part, archive, index === 0))
    return await keepBlob(archive)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Puts the files of these layers into a folder, one layer over the other. */
export async function unpack(layers: readonly Blob[], folder: string): Promise<void> {
  for (const { digest } of layers) await run('tar', ['-xf', join(store, blobPath(digest)), '-C', folder])
}

function tarArguments(part: LayerPart, archive: string, first: boolean): string[] {
  const mode = part.mode ?? 'a+rX,u+w,go-w'
  const uniform = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', `--mode=${mode}`, '--format=gnu']
  const pattern = part.as ? `s,.*,${part.as},` : part.below ? `s,^,${part.below}/,` : undefined
  const transform = pattern ? ['--transform', `flags=r;${pattern}`] : []
  const excluded = (part.exclude ?? []).map((each) => `--exclude=${each}`)
  const links = part.dereference ? ['--dereference'] : []
  return [first ? '-cf' : '-rf', archive, ...uniform, ...transform, ...links, ...excluded, '-C', part.folder, '--', ...part.paths]
}

async function keepBlob(file: string): Promise<Blob> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  const blob = { digest: `sha256:${hash.digest('hex')}`, size: statSync(file).size }
  const path = join(store, blobPath(blob.digest))
  mkdirSync(dirname(path), { recursive: true })
  renameSync(file, path)
  return blob
}

function keepJson(value: unknown): Blob {
  const text = JSON.stringify(value)
  const blob = { digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, size: Buffer.byteLength(text) }
  writeWhole(join(store, blobPath(blob.digest)), text)
  return blob
}

function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file)
}

const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Writes the configuration and the manifest of an image over layers that are kept already. */
export function image(spec: ImageSpec): Image {
  const config = keepJson({
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    config: {
      Entrypoint: spec.entrypoint,
      Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
      User: spec.user ?? '65532:65532',
      WorkingDir: spec.workingDir ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: spec.layers.map((each) => each.digest) },
  })
  const type = 'application/vnd.oci.image'
  const manifest = keepJson({
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: { mediaType: `${type}.config.v1+json`, ...config },
    layers: spec.layers.map((each) => ({ mediaType: `${type}.layer.v1.tar`, ...each })),
  })
  return { name: spec.name, manifest, blobs: [...spec.layers, config, manifest] }
}

/**
 * Hands images to a program that reads an archive in the OCI layout from its standard input.
 * @param reader its command line, as in `ctr images import -`
 * @param present digests the receiver has already; they are left out
 */
export async function sendImages(images: Image[], present: ReadonlySet<string>, reader: string[], signal?: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(store, '.archive-'))
  try {
    const manifests = images.map(({ name, manifest }) => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...manifest,
      annotations: { 'io.containerd.image.name': name },
    }))
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
    writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
    const blobs = new Set(images.flatMap((each) => each.blobs.map(({ digest }) => digest)).filter((digest) => !present.has(digest)))
    writeFileSync(join(folder, 'blobs'), [...blobs].map((digest) => `${blobPath(digest)}\n`).join(''))
    const script = 'folder=$1; store=$2; shift 2; tar -cf - -C "$folder" oci-layout index.json -C "$store" -T "$folder/blobs" | "$@"'
    await run('sh', ['-c', script, 'sh', folder, store, ...reader], { signal })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
