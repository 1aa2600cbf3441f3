import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { primaryAddress } from '../../cluster/agones-emulator/controller/address.ts'
import { defaultGameServer } from '../../cluster/agones-emulator/controller/defaults.ts'
import { nextStep } from '../../cluster/agones-emulator/controller/gameserver-plan.ts'
import { gameServerPod } from '../../cluster/agones-emulator/controller/pod.ts'
import { choosePorts, portsHeld, withPorts } from '../../cluster/agones-emulator/controller/ports.ts'
import type { GameServer, GameServerState, Node, Pod } from '../../cluster/agones-emulator/types.ts'
import { gameServer, pod } from './objects.ts'

const node: Node = { metadata: { name: 'n1' }, status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] } }
const fresh: GameServer = {
  metadata: { name: 'fresh', namespace: 'game' },
  spec: { ports: [{ name: 'game', containerPort: 8000 }], template: { spec: { containers: [{ name: 'only' }] } } },
}

describe('nextStep', () => {
  const unplaced = (state: GameServerState) => {
    const server = gameServer('a', state)
    server.status = { state }
    return server
  }
  const cases: { what: string; server: GameServer; pod?: Pod; want: object }[] = [
    { what: 'completes a new server', server: fresh, want: { do: 'default' } },
    { what: 'gives ports', server: unplaced('PortAllocation'), want: { do: 'allocate-ports' } },
    { what: 'makes the pod', server: unplaced('Creating'), want: { do: 'create-pod' } },
    { what: 'goes on from a pod that exists', server: unplaced('Creating'), pod: pod('a'), want: { do: 'set-state', state: 'Starting' } },
    { what: 'waits for the pod’s address', server: unplaced('Starting'), pod: pod('a', { node: 'n1' }), want: { do: 'nothing' } },
    {
      what: 'knows where a scheduled pod is',
      server: unplaced('Starting'),
      pod: pod('a', { node: 'n1', ip: '10.1.0.2' }),
      want: { do: 'set-state', state: 'Scheduled', status: { address: '10.0.0.1', nodeName: 'n1' } },
    },
    {
      what: 'fills in the address when ready came first',
      server: unplaced('RequestReady'),
      pod: pod('a', { node: 'n1', ip: '10.1.0.2' }),
      want: { do: 'set-state', state: 'Ready', status: { address: '10.0.0.1' } },
    },
    {
      what: 'keeps the address it has',
      server: gameServer('a', 'RequestReady'),
      pod: pod('a', { node: 'n1', ip: '10.1.0.2' }),
      want: { do: 'set-state', state: 'Ready', status: {} },
    },
    {
      what: 'leaves an early Allocated server without address',
      server: unplaced('Allocated'),
      pod: pod('a', { node: 'n1', ip: '10.1.0.2' }),
      want: { do: 'nothing' },
    },
    {
      what: 'sees a failed pod',
      server: gameServer('a', 'Allocated'),
      pod: pod('a', { phase: 'Failed' }),
      want: { do: 'set-state', state: 'Unhealthy' },
    },
    {
      what: 'sees an eviction',
      server: gameServer('a', 'Ready'),
      pod: pod('a', { reason: 'Evicted' }),
      want: { do: 'set-state', state: 'Unhealthy' },
    },
    {
      what: 'waits for a failed pod that is being deleted',
      server: gameServer('a', 'Allocated'),
      pod: pod('a', { phase: 'Failed', deleted: true }),
      want: { do: 'nothing' },
    },
    {
      what: 'keeps the state while the pod ends',
      server: gameServer('a', 'Allocated'),
      pod: pod('a', { deleted: true }),
      want: { do: 'nothing' },
    },
    {
      what: 'sees a pod that ended by itself',
      server: gameServer('a', 'Ready'),
      pod: pod('a', { phase: 'Succeeded' }),
      want: { do: 'set-state', state: 'Shutdown' },
    },
    { what: 'makes sure of a lost pod', server: gameServer('a', 'Allocated'), want: { do: 'pod-missing' } },
    { what: 'leaves Unhealthy as it is', server: gameServer('a', 'Unhealthy'), want: { do: 'nothing' } },
    { what: 'leaves Error as it is', server: gameServer('a', 'Error'), want: { do: 'nothing' } },
    { what: 'deletes a server that shut down', server: gameServer('a', 'Shutdown'), pod: pod('a'), want: { do: 'delete-server' } },
    {
      what: 'deletes the pod of a deleted server',
      server: gameServer('a', 'Shutdown', { deleted: true }),
      pod: pod('a'),
      want: { do: 'delete-pod' },
    },
    {
      what: 'waits for the pod to go',
      server: gameServer('a', 'Shutdown', { deleted: true }),
      pod: pod('a', { deleted: true }),
      want: { do: 'nothing' },
    },
    { what: 'lets a server go without its pod', server: gameServer('a', 'Shutdown', { deleted: true }), want: { do: 'remove-finalizer' } },
    {
      what: 'takes a development server as Ready without a pod',
      server: gameServer('a', 'Creating', { annotations: { 'agones.dev/dev-address': '192.0.2.7' } }),
      want: { do: 'set-state', state: 'Ready', status: { address: '192.0.2.7' } },
    },
  ]
  it.each(cases)('$what', ({ server, pod: found, want }) => {
    expect(nextStep({ server, pod: found, node })).toMatchObject(want)
  })
})

describe('defaultGameServer', () => {
  it('fills in what is left out', () => {
    const server = defaultGameServer(fresh)
    expect(server.spec).toMatchObject({
      container: 'only',
      ports: [{ portPolicy: 'Dynamic', protocol: 'UDP', container: 'only', containerPort: 8000 }],
      health: { initialDelaySeconds: 5, failureThreshold: 3, periodSeconds: 5 },
      sdkServer: { grpcPort: 9357, httpPort: 9358 },
      eviction: { safe: 'Never' },
      scheduling: 'Packed',
    })
    expect(server.status).toMatchObject({ state: 'PortAllocation', eviction: { safe: 'Never' } })
    expect(server.metadata.finalizers).toEqual(['agones.dev/controller'])
  })

  it('needs no port allocation for static ports, and is the same the second time', () => {
    const server = defaultGameServer({
      ...fresh,
      spec: { ...fresh.spec, ports: [{ portPolicy: 'Static', hostPort: 7777, containerPort: 1 }] },
    })
    expect(server.status?.state).toBe('Creating')
    expect(defaultGameServer(server)).toEqual(server)
  })
})

describe('gameServerPod', () => {
  const server = withPorts(defaultGameServer(fresh), [7123])
  const made = gameServerPod(server, 'sidecar:1')

  it('has the server’s name, its own labels and the sidecar first', () => {
    expect(made.metadata.labels).toEqual({
      'agones.dev/role': 'gameserver',
      'agones.dev/gameserver': 'fresh',
      'agones.dev/safe-to-evict': 'false',
    })
    expect(made.spec.initContainers).toMatchObject([{ name: 'agones-gameserver-sidecar', image: 'sidecar:1', restartPolicy: 'Always' }])
    expect(made.spec).toMatchObject({ restartPolicy: 'Never', serviceAccountName: 'agones-sdk' })
  })

  it('opens the host port, probes through the sidecar and hides the token', () => {
    expect(made.spec.containers).toMatchObject([
      {
        ports: [{ containerPort: 8000, hostPort: 7123, protocol: 'UDP' }],
        livenessProbe: { httpGet: { path: '/gshealthz', port: 8080 }, initialDelaySeconds: 5, periodSeconds: 5, failureThreshold: 3 },
        volumeMounts: [{ name: 'empty', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
        env: [
          { name: 'AGONES_SDK_GRPC_PORT', value: '9357' },
          { name: 'AGONES_SDK_HTTP_PORT', value: '9358' },
        ],
      },
    ])
  })

  it.each([
    ['Always', 'true', 'true'],
    ['OnUpgrade', 'false', 'true'],
    ['Never', 'false', 'false'],
  ] as const)('eviction %s gives annotation %s and label %s', (safe, annotation, label) => {
    const { metadata } = gameServerPod({ ...server, status: { ...server.status, eviction: { safe } } }, 'x')
    expect(metadata.annotations?.['cluster-autoscaler.kubernetes.io/safe-to-evict']).toBe(annotation)
    expect(metadata.labels?.['agones.dev/safe-to-evict']).toBe(label)
  })

  it('leaves an own account and its token alone', () => {
    const own = { ...server, spec: { ...server.spec, template: { spec: { ...server.spec.template.spec, serviceAccountName: 'mine' } } } }
    const { spec } = gameServerPod(own, 'x')
    expect(spec.serviceAccountName).toBe('mine')
    expect(spec.containers?.[0]?.volumeMounts).toBeUndefined()
  })
})

describe('ports', () => {
  it('are in range, distinct and free while any is', () => {
    const input = fc.tuple(
      fc.array(fc.integer({ min: 7000, max: 8000 }), { maxLength: 300 }),
      fc.integer({ min: 1, max: 5 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
    )
    fc.assert(
      fc.property(input, ([held, amount, random]) => {
        const chosen = choosePorts(amount, held, 1, () => random)
        expect(new Set(chosen).size).toBe(amount)
        for (const port of chosen) {
          expect(held).not.toContain(port)
          expect(port).toBeGreaterThanOrEqual(7000)
          expect(port).toBeLessThanOrEqual(8000)
        }
      }),
    )
  })

  it('are shared by as many servers as there are nodes, and then used up', () => {
    const all = Array.from({ length: 1001 }, (_, index) => 7000 + index)
    expect(choosePorts(1, all, 2, () => 0)).toEqual([7000])
    expect(() => choosePorts(1, all, 1, () => 0)).toThrow('no 1 free host ports')
  })

  it('become the container’s too with Passthrough, and two with TCPUDP', () => {
    const ports = [
      { name: 'a', portPolicy: 'Passthrough' as const },
      { name: 'b', portPolicy: 'Dynamic' as const, protocol: 'TCPUDP' as const, containerPort: 5 },
      { name: 'c', portPolicy: 'None' as const, containerPort: 6 },
    ]
    const server = withPorts({ ...fresh, spec: { ...fresh.spec, ports } }, [7001, 7002])
    expect(server.spec.ports).toMatchObject([
      { name: 'a', hostPort: 7001, containerPort: 7001 },
      { name: 'b-tcp', hostPort: 7002, protocol: 'TCP' },
      { name: 'b-udp', hostPort: 7002, protocol: 'UDP' },
      { name: 'c' },
    ])
    expect(portsHeld(server)).toEqual([7001, 7002, 7002])
  })
})

describe('primaryAddress', () => {
  const internal = { type: 'InternalIP', address: '10.0.0.1' }
  it.each([
    [[internal, { type: 'ExternalDNS', address: 'a.example' }], 'a.example'],
    [[internal, { type: 'ExternalIP', address: '203.0.113.1' }, { type: 'InternalDNS', address: 'b' }], '203.0.113.1'],
    [[internal, { type: 'ExternalIP', address: 'no address' }], '10.0.0.1'],
    [[internal, { type: 'InternalDNS', address: 'b' }], 'b'],
    [[{ type: 'Hostname', address: 'c' }], undefined],
  ])('of %j is %s', (addresses, want) => {
    expect(primaryAddress(addresses)).toBe(want)
  })
})
