import { label } from '../../core/ids.ts'
import { ZONE_WAIT_MAX } from '../../core/timing.ts'
import { z } from '../../core/validate/index.ts'

/** Zones on one page of the list, at most. */
const MAX_PAGE = 1_000

const state = z.enum(['Asleep', 'Waking', 'Serving', 'Suspended'])
const whole = z.int().min(0)
const head = { namespace: z.string(), name: z.string(), state, players: whole }

const name = z.string().regex(label, 'at most 63 lower case letters, digits and dashes, beginning and ending with a letter or digit')
const characterId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_-]+$/, 'the id of a character')
const age = whole.describe('How many milliseconds ago the index was known to say so')
const ageOfRead = whole.describe('How many milliseconds ago the index was asked: it was no copy that answered')

export const zoneParams = z.strictObject({ namespace: name, name })

export const zoneQuery = z.strictObject({
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(ZONE_WAIT_MAX)
    .optional()
    .describe('Answer only when the zone is another than `since` or If-None-Match says, or after so many milliseconds'),
  since: z.string().max(100).optional().describe('The ETag that is known, for those who can not send If-None-Match'),
})

export const zonesQuery = z.strictObject({
  namespace: name.optional(),
  prefix: z
    .string()
    .max(63)
    .regex(/^[a-z0-9-]*$/, 'the beginning of a name')
    .optional()
    .describe('Only zones whose name begins so'),
  state: state.optional(),
  players: z.enum(['true', 'false']).optional().describe('true: only zones with players; false: only those without'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  cursor: z
    .string()
    .max(127)
    .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, '`next` of an answer')
    .optional()
    .describe('`next` of the page before'),
})

export const zoneSummary = z.object({ ...head, layers: whole.describe('How many are served') })

export const zonesAnswer = z.object({
  zones: z.array(zoneSummary),
  next: z.string().optional().describe('The cursor of the next page; absent: this was the last one'),
  age,
})

export const zoneDetail = z.object({
  ...head,
  layers: z
    .array(
      z.object({
        index: whole,
        state: z.enum(['Asleep', 'Wished', 'Assigned', 'Claiming', 'Serving', 'Closing', 'Barred', 'Quarantined']),
        epoch: whole,
        players: whole,
        endpoints: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  neighbours: z.array(z.string()).readonly().describe('namespace/name of each zone whose border with this one is open'),
})

export const zoneAnswer = zoneDetail.extend({ age })

export const playerParams = z.strictObject({ character: characterId })

export const playerAnswer = z.object({
  character: z.string(),
  state: z.enum(['Offline', 'InZone']),
  zone: z.string().optional(),
  layer: z.string().optional(),
  since: whole.optional().describe('Since when it is there, milliseconds since 1970'),
  age: ageOfRead,
})

export const joinBody = z.strictObject({
  character: characterId,
  unreached: z
    // Later releases say more of a place.
    .object({ layer: z.string().max(140), epoch: whole, generation: whole.optional() })
    .optional()
    .describe('Of the last answer, when its host could not be reached: then the join waits for another before it gives the same again'),
})

export const joinAnswer = z.object({
  layer: z.string().describe('namespace/name/index'),
  state: z
    .enum(['Serving', 'Waking'])
    .describe('Waking: the host is still bringing the layer back. It takes connections, and answers a hello when it has'),
  epoch: whole.describe('In which the layer is served; while it is Waking: in which it was served last, 0 if never'),
  generation: whole.describe('Of the assignment of the layer to this host'),
  endpoints: z.array(z.string()).readonly().describe('address:port or address:port/path, WebSocket or length-prefixed TCP'),
  ticket: z.string().describe('Good once, for this layer at this host, until it expires'),
  expiresInMs: whole,
  age: ageOfRead,
})
