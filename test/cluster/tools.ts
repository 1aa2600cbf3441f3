import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './paths.ts'
import { run } from './run.ts'

const kubernetesVersion = 'v1.34.4'
const versionVariable = 'k8s.io/component-base/version'

type Module = { packages: string[]; programs: string[]; ldflags?: string }

/** The folders of modules/ and what is built from each. */
const modules = {
  pause: { packages: ['.'], programs: ['pause'] },
  etcd: { packages: ['go.etcd.io/etcd/server/v3'], programs: ['etcd'] },
  kubernetes: {
    packages: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'].map(
      (name) => `k8s.io/kubernetes/cmd/${name}`,
    ),
    programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
    // Without its version stamped in, Kubernetes calls itself v0.0.0 and charts refuse it.
    ldflags: `-X ${versionVariable}.gitVersion=${kubernetesVersion} -X ${versionVariable}.gitMajor=1 -X ${versionVariable}.gitMinor=34`,
  },
  helm: { packages: ['helm.sh/helm/v3/cmd/helm'], programs: ['helm'] },
  mongodb: { packages: ['.'], programs: ['ferretdb'] },
  coredns: { packages: ['github.com/coredns/coredns'], programs: ['coredns'] },
} satisfies Record<string, Module>

export type Tools = {
  /** The file of a program built from modules/. */
  file(program: string): string
  /** The folders that hold them, for PATH. */
  folders: string[]
}

/** Builds what is not built yet (a quarter of an hour from an empty Go cache) and says where each program is. */
export async function ensureTools(say: (line: string) => void, signal?: AbortSignal): Promise<Tools> {
  const files = new Map<string, string>()
  const folders: string[] = []
  for (const [name, module] of Object.entries(modules)) {
    const folder = await ensureModule(name, module, say, signal)
    folders.push(folder)
    for (const program of module.programs) files.set(program, join(folder, program))
  }
  return {
    folders,
    file(program) {
      const file = files.get(program)
      if (file === undefined) throw new Error(`no module of test/cluster/modules builds ${program}`)
      return file
    },
  }
}

/** Builds the one module that holds `program`, if it is not built yet, and says where the program is. */
export async function ensureTool(program: string, say: (line: string) => void): Promise<string> {
  for (const [name, module] of Object.entries<Module>(modules)) {
    if (module.programs.includes(program)) return join(await ensureModule(name, module, say), program)
  }
  throw new Error(`no module of test/cluster/modules builds ${program}`)
}

async function ensureModule(name: string, module: Module, say: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const source = join(import.meta.dirname, 'modules', name)
  const flags = ['-buildvcs=false', '-trimpath', '-ldflags', ['-s -w', module.ldflags].filter(Boolean).join(' ')]
  const target = join(cacheDir, 'tools', `${name}-${hashOf(source, [...flags, ...module.packages])}`)
  if (existsSync(target)) return target
  say(`building ${module.programs.join(', ')}`)
  mkdirSync(join(cacheDir, 'tools'), { recursive: true })
  const temporary = mkdtempSync(join(cacheDir, 'tools', `.${name}-`))
  try {
    const [only] = module.programs
    const output = module.programs.length === 1 && only ? join(temporary, only) : `${temporary}/`
    await run('go', ['build', ...flags, '-o', output, ...module.packages], {
      cwd: source,
      env: { CGO_ENABLED: '0' },
      timeoutMs: 2_400_000,
      signal,
    })
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    // Another run may have finished the same build first; its folder is as good.
    if (!existsSync(target)) throw error
  }
  return target
}

function hashOf(source: string, flags: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([process.arch, ...flags]))
  for (const file of globSync('*', { cwd: source }).toSorted())
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(source, file)))
  return hash.digest('hex').slice(0, 16)
}
