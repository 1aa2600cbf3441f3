/** The sidecar of the Agones emulator: the SDK server beside each game server. A test double. */

import http from 'node:http'
import { parseArgs } from 'node:util'
import { HEALTH_PORT } from './names.ts'

const { values } = parseArgs({ options: { 'grpc-port': { type: 'string' }, 'http-port': { type: 'string' } } })

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set`)
  return value
}

function log(message: string): void {
  console.log(`${new Date().toISOString()} ${message}`)
}

/** What the kubelet's probe of the game container is told: healthy until there is something that can judge. */
let probe = () => true

// Before anything that takes long to load: on a busy machine the kubelet would lose its patience with this container.
http
  .createServer((request, response) => {
    const healthy = request.url !== '/gshealthz' || probe()
    response.writeHead(healthy ? 200 : 500).end(healthy ? 'ok' : '')
  })
  .listen(HEALTH_PORT)
process.once('SIGTERM', () => process.exit(0))

const [{ inClusterClient }, { createService }, { serveRest }, { serveGrpc }] = await Promise.all([
  import('./kube.ts'),
  import('./sidecar/service.ts'),
  import('./sidecar/rest.ts'),
  import('./sidecar/grpc.ts'),
])
const service = await createService({
  client: inClusterClient(),
  namespace: required('POD_NAMESPACE'),
  name: required('GAMESERVER_NAME'),
  log,
})
// A SIGTERM that comes before Node can hear it is lost on the first process of a container: the server's deletion says what it meant.
if (service.gameServer().metadata.deletionTimestamp !== undefined) process.exit(0)
probe = service.probe
serveRest(service, Number(values['http-port'] ?? 9358))
await serveGrpc(service, Number(values['grpc-port'] ?? 9357))
log('the SDK server of the Agones emulator (a test double) is listening')
