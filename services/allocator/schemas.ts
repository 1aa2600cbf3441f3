import { z } from '../../core/validate/index.ts'

const state = z.enum(['Asleep', 'Waking', 'Serving', 'Suspended'])
const whole = z.int().min(0)
const head = { namespace: z.string(), name: z.string(), state, players: whole }

export const zoneParams = z.strictObject({ namespace: z.string().max(63), name: z.string().max(63) })

export const zonesAnswer = z.object({ zones: z.array(z.object({ ...head, layers: whole.describe('How many are served') })) })

export const zoneAnswer = z.object({
  ...head,
  layers: z
    .array(
      z.object({
        index: whole,
        state: z.enum(['Asleep', 'Wished', 'Assigned', 'Claiming', 'Serving', 'Closing', 'Barred']),
        epoch: whole,
        players: whole,
        endpoints: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  neighbours: z.array(z.string()).readonly().describe('namespace/name of each zone whose border with this one is open'),
})

export const joinBody = z.strictObject({
  character: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9_-]+$/, 'the id of a character'),
  unreached: z
    .strictObject({ layer: z.string().max(140), epoch: whole })
    .optional()
    .describe('The last answer, when its host could not be reached: then the join waits for another before it gives the same again'),
})

export const joinAnswer = z.object({
  layer: z.string().describe('namespace/name/index'),
  epoch: whole,
  endpoints: z.array(z.string()).readonly().describe('address:port or address:port/path, WebSocket or length-prefixed TCP'),
  ticket: z.string().describe('Good once, for this layer in this epoch, until it expires'),
  expiresInMs: whole,
})
