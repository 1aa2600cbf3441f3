/** The sidecar of the Agones emulator: the SDK server beside each game server. A test double. */

import { parseArgs } from 'node:util'
import { inClusterClient } from './kube.ts'
import { HEALTH_PORT } from './names.ts'
import { serveGrpc } from './sidecar/grpc.ts'
import { serveProbes, serveRest } from './sidecar/rest.ts'
import { createService } from './sidecar/service.ts'

const { values } = parseArgs({ options: { 'grpc-port': { type: 'string' }, 'http-port': { type: 'string' } } })

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set`)
  return value
}

function log(message: string): void {
  console.log(`${new Date().toISOString()} ${message}`)
}

process.once('SIGTERM', () => process.exit(0))
const service = await createService({
  client: inClusterClient(),
  namespace: required('POD_NAMESPACE'),
  name: required('GAMESERVER_NAME'),
  log,
})
serveProbes(service, HEALTH_PORT)
serveRest(service, Number(values['http-port'] ?? 9358))
await serveGrpc(service, Number(values['grpc-port'] ?? 9357))
log('the SDK server of the Agones emulator (a test double) is listening')
