import { z } from '../../core/validate/index.ts'

export const accountParams = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, { error: 'no account id' }) })
export const findQuery = z.strictObject({ name: z.string().min(1).max(200) })
/** What the regular expression below says, for readers of the document that know no classes of characters. */
const withoutControls = String.raw`^[^\u0000-\u001f\u007f-\u009f]*$`

export const banBody = z.strictObject({
  reason: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'no control characters' })
    .meta({ description: 'Told to the account', pattern: withoutControls }),
  until: z.iso.datetime().optional().meta({ description: 'ISO 8601, in UTC; absent: until it is lifted' }),
})
export const grantBody = z.strictObject({ role: z.enum(['player', 'moderator', 'admin']) })
export const auditQuery = z.strictObject({
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().meta({ description: '`next` of the page before' }),
  limit: z.coerce.number().int().min(1).max(100).optional(),
})

const time = z.string().meta({ description: 'ISO 8601' })
export const adminAccountAnswer = z.object({
  account: z.object({
    id: z.string(),
    name: z.string(),
    createdAt: time,
    seenAt: time.optional(),
    role: z.enum(['player', 'moderator', 'admin', 'owner']),
    ban: z.object({ reason: z.string(), by: z.string(), at: time, until: time.optional() }).optional(),
  }),
})
export const staffAnswer = z.object({
  members: z.array(
    z.object({
      account: z.string(),
      role: z.enum(['moderator', 'admin', 'owner']),
      since: time,
      seenAt: time.optional(),
      standIn: z.boolean(),
    }),
  ),
})
export const auditAnswer = z.object({
  deeds: z.array(
    z.object({
      n: z.number(),
      at: time,
      by: z.string(),
      power: z.string(),
      action: z.enum(['Ban', 'Unban', 'Grant']),
      account: z.string(),
      detail: z.string(),
      whole: z
        .boolean()
        .meta({ description: 'False: the record does not follow from the one before it; somebody had a hand in the store' }),
    }),
  ),
  next: z.number().optional().meta({ description: 'Where the next page begins: its `before`' }),
})
