import { MessageChannel, Worker } from 'node:worker_threads'
import { DEFAULT_FLEET_BOUNDS, desiredReplicas, type FleetBounds } from '../core/capacity.ts'
import { describeError } from '../core/errors.ts'
import type { FleetId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { Log } from '../core/ports/log-port.ts'
import { AUTOSCALE_EVERY, RETIRE_EMPTY_AFTER } from '../core/timing.ts'
import type { LogLevel } from '../platform/log/index.ts'
import type { HostStarted, HostWorkerData } from './host-worker.ts'
import { serveIndex } from './remote-index.ts'

export interface EmbeddedFleetOptions {
  readonly fleet: FleetId
  readonly index: ZoneIndex
  readonly storeFile: string
  readonly log: Log
  readonly logLevel: LogLevel
  readonly capacity: number
  /** What clients are told, without the host's path: `address:port`. */
  readonly publicAddress: string
  readonly bounds?: Partial<FleetBounds>
  readonly retireEmptyAfterMs?: number
}

interface RunningHost {
  readonly worker: Worker
  /** The loopback port of its game socket, once it has one. */
  gamePort: number | undefined
}

/**
 * What Agones does for a Fleet, for worker threads: as many hosts as the same capacity rule asks for, looked at once a second. A host that ends is
 * replaced by the next look if it is still needed. Hosts are never ended by it: like Allocated game servers, they leave by themselves.
 */
export class EmbeddedFleet {
  readonly #options: EmbeddedFleetOptions
  readonly #hosts = new Map<string, RunningHost>()
  readonly #timer: NodeJS.Timeout
  #counter = 0
  #looking = false
  #stopped = false

  constructor(options: EmbeddedFleetOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.look(), AUTOSCALE_EVERY)
    void this.look()
  }

  /** The loopback port of a host's game socket, or undefined when there is no such host. */
  gamePort(host: string): number | undefined {
    return this.#hosts.get(host)?.gamePort
  }

  get size(): number {
    return this.#hosts.size
  }

  /** Ends a host's thread without any goodbye, as a crash would. */
  async kill(host: string): Promise<void> {
    await this.#hosts.get(host)?.worker.terminate()
  }

  /** One look: how many hosts are wanted, and start what is missing. */
  async look(): Promise<void> {
    if (this.#looking || this.#stopped) return
    this.#looking = true
    try {
      const { index, fleet, bounds, retireEmptyAfterMs } = this.#options
      const limits = { ...DEFAULT_FLEET_BOUNDS, max: 16, ...bounds }
      const running = this.#hosts.size
      const emptyAfterMs = retireEmptyAfterMs ?? RETIRE_EMPTY_AFTER
      // A thread that ended is gone: there are no servers here but those that run.
      const wanted = desiredReplicas(await index.autoscale(fleet, { ...limits, emptyAfterMs, allocated: 0 }), limits, running, 0)
      for (let missing = wanted - running; missing > 0; missing--) this.#start()
    } catch (error) {
      this.#options.log.error({ error: describeError(error) }, 'fleet could not be looked at')
    } finally {
      this.#looking = false
    }
  }

  #start(): void {
    const { fleet, index, storeFile, capacity, publicAddress, logLevel, log } = this.#options
    const name = `host-${++this.#counter}`
    const channel = new MessageChannel()
    serveIndex(index, channel.port1)
    const data: HostWorkerData = {
      name,
      fleet,
      storeFile,
      capacity,
      logLevel,
      advertise: `${publicAddress}/hosts/${name}`,
      index: channel.port2,
    }
    const worker = new Worker(new URL('./host-worker.ts', import.meta.url), {
      workerData: data,
      transferList: [channel.port2],
      stdin: true,
    })
    const host: RunningHost = { worker, gamePort: undefined }
    this.#hosts.set(name, host)
    worker.on('message', (started: HostStarted) => {
      host.gamePort = started.gamePort
    })
    worker.on('error', (error) => log.error({ host: name, error: describeError(error) }, 'host failed'))
    worker.on('exit', (code) => {
      this.#hosts.delete(name)
      channel.port1.close()
      log.info({ host: name, code }, 'host ended')
      if (!this.#stopped) void this.#gone(name)
    })
  }

  async #gone(name: string): Promise<void> {
    try {
      await this.#options.index.removeHost(this.#options.fleet, name)
    } catch (error) {
      this.#options.log.warn({ host: name, error: describeError(error) }, 'ended host could not be removed from the index')
    }
  }

  /** Asks every host to close its layers (final snapshots) and waits until all have ended, at most `deadlineMs`; then ends what is left. */
  async close(deadlineMs: number): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    const running = [...this.#hosts.values()]
    for (const { worker } of running) worker.postMessage('stop')
    const ended = Promise.all(running.map(({ worker }) => new Promise<void>((resolve) => worker.once('exit', () => resolve()))))
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, deadlineMs, 'late').unref())
    if ((await Promise.race([ended, late])) === 'late') await Promise.all([...this.#hosts.values()].map(({ worker }) => worker.terminate()))
  }
}
