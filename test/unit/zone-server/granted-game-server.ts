import type { GameServerPort, GameServerView } from '../../../core/ports/game-server-port.ts'

/** A game server without Agones: every wish is granted at once. */
export class GrantedGameServer implements GameServerPort {
  readonly wishes: string[] = []
  view: GameServerView
  #onChange: (server: GameServerView) => void = () => undefined

  constructor(name: string) {
    this.view = {
      name,
      namespace: 'game',
      state: 'Scheduled',
      address: '127.0.0.1',
      ports: [{ name: 'game', port: 1 }],
      deleting: false,
      labels: { 'agones.dev/fleet': 'zone-servers' },
      annotations: {},
    }
  }

  /** One that gives itself back is taken at once. */
  async ready(): Promise<void> {
    this.wishes.push('ready')
    this.become({ state: this.view.state === 'Allocated' ? 'Shutdown' : 'Ready' })
  }

  async allocate(): Promise<void> {
    this.wishes.push('allocate')
    this.become({ state: 'Allocated' })
  }

  async shutdown(): Promise<void> {
    this.wishes.push('shutdown')
    this.become({ state: 'Shutdown' })
  }

  health(): void {}

  async setAnnotation(): Promise<void> {}

  async watch(onChange: (server: GameServerView) => void): Promise<void> {
    this.#onChange = onChange
    onChange(this.view)
  }

  async close(): Promise<void> {}

  become(change: Partial<GameServerView>): void {
    this.view = { ...this.view, ...change }
    setImmediate(() => this.#onChange(this.view))
  }
}
