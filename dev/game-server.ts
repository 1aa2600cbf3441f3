import type { GameServerPort, GameServerView } from '../core/ports/game-server-port.ts'

/** The game server of the embedded world: there is no Agones, so a wish is granted at once. The states are Agones'. */
export class EmbeddedGameServer implements GameServerPort {
  readonly #listeners = new Set<(server: GameServerView) => void>()
  #view: GameServerView

  constructor(identity: { readonly name: string; readonly namespace: string; readonly fleet: string }) {
    this.#view = {
      name: identity.name,
      namespace: identity.namespace,
      state: 'Scheduled',
      address: '127.0.0.1',
      ports: [{ name: 'game', port: 0 }],
      deleting: false,
      labels: { 'agones.dev/fleet': identity.fleet },
      annotations: {},
    }
  }

  /** One that gives itself back is taken at once. */
  async ready(): Promise<void> {
    this.#become(this.#view.state === 'Allocated' ? 'Shutdown' : 'Ready')
  }

  async allocate(): Promise<void> {
    this.#become('Allocated')
  }

  async shutdown(): Promise<void> {
    this.#become('Shutdown')
  }

  health(): void {}

  async setAnnotation(key: string, value: string): Promise<void> {
    this.#set({ ...this.#view, annotations: { ...this.#view.annotations, [key]: value } })
  }

  async watch(onChange: (server: GameServerView) => void): Promise<void> {
    this.#listeners.add(onChange)
    onChange(this.#view)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  #become(state: string): void {
    if (this.#view.state !== 'Shutdown') this.#set({ ...this.#view, state })
  }

  #set(view: GameServerView): void {
    this.#view = view
    for (const listener of this.#listeners) listener(view)
  }
}
