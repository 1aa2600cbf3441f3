/**
 * The one catalogue of errors. A code is stable and public: it appears in problem+json bodies, in error frames to
 * game clients, in logs and in Kubernetes conditions. `status` is the HTTP status the edge translates it to.
 */
export const catalogue = {
  // Input
  InvalidInput: { status: 400, title: 'The request is not well formed' },
  PayloadTooLarge: { status: 413, title: 'The request is larger than what is accepted' },
  NotFound: { status: 404, title: 'There is nothing at this address' },
  MethodNotAllowed: { status: 405, title: 'This address does not take this method' },
  TooManyRequests: { status: 429, title: 'Too many requests' },
  PreconditionRequired: { status: 428, title: 'The request must say by If-Match which version it changes' },
  PreconditionFailed: { status: 412, title: 'What the request would change is another version by now' },
  RequestUnderWay: { status: 409, title: 'The same request is being answered already' },
  IdempotencyKeyReused: { status: 422, title: 'The Idempotency-Key was used for another request' },
  Timeout: { status: 503, title: 'The request took too long' },
  // Accounts
  Unauthenticated: { status: 401, title: 'A valid access token is needed' },
  WrongCredentials: { status: 401, title: 'Name or password is wrong' },
  NameTaken: { status: 409, title: 'This name is taken' },
  SessionEnded: { status: 401, title: 'The session has ended' },
  RefreshReused: { status: 401, title: 'The refresh token was used before; the session was ended' },
  SessionUnknown: { status: 404, title: 'There is no such session' },
  PasswordCommon: { status: 422, title: 'The password is one of those that are guessed first' },
  NameRefused: { status: 409, title: 'The name is not one that can be had' },
  CrossSite: { status: 403, title: 'A request with a cookie must come from the page itself' },
  Forbidden: { status: 403, title: 'The account may not do this' },
  Banned: { status: 403, title: 'The account is banned' },
  AccountUnknown: { status: 404, title: 'There is no such account' },
  // Accounts of other issuers (OpenID Connect)
  IssuerUnknown: { status: 404, title: 'There is no such issuer of accounts' },
  IssuerUnavailable: { status: 503, title: 'The issuer of accounts does not answer as it should' },
  IssuerRefused: { status: 403, title: 'The issuer of accounts did not confirm the login' },
  LoginExpired: { status: 401, title: 'This login was not begun here, or too long ago' },
  LoginTooOld: { status: 403, title: 'This needs a login of a moment ago' },
  NameNeeded: { status: 409, title: 'The new account needs a name' },
  IdentityTaken: { status: 409, title: 'This login belongs to another account' },
  IdentityUnknown: { status: 404, title: 'The account has no such login' },
  TooManyIdentities: { status: 409, title: 'The account has as many logins of issuers as it may have' },
  LastLogin: { status: 409, title: 'The account would have no way left to log in' },
  TooManyStaff: { status: 409, title: 'There are as many moderators and admins as there may be' },
  Busy: { status: 503, title: 'The service is at its limit, try again' },
  // Characters
  CharacterUnknown: { status: 404, title: 'There is no such character' },
  CharacterNotYours: { status: 403, title: 'The character belongs to another account' },
  CharacterElsewhere: { status: 409, title: 'The character is in another place' },
  CharacterInWorld: { status: 409, title: 'The character is in a zone' },
  CharacterDeleting: { status: 409, title: 'The character is being deleted' },
  TooManyCharacters: { status: 409, title: 'The account has as many characters as it may have' },
  // Zones and layers
  ZoneUnknown: { status: 404, title: 'There is no such zone' },
  ZoneSuspended: { status: 409, title: 'The zone is closed' },
  ZoneFull: { status: 503, title: 'All layers of the zone are full' },
  ZoneWaking: { status: 503, title: 'The zone is being woken, try again' },
  NoCapacity: { status: 503, title: 'No host has room, one is being started' },
  DataHeld: { status: 503, title: 'The layer waits until what is played can be made safe' },
  LayerQuarantined: { status: 503, title: 'The layer crashed again and again and is not opened until somebody has looked at it' },
  LayerCrashed: { status: 500, title: 'The layer can not step on from what happened in it' },
  LayerLost: { status: 409, title: 'The layer is served by another host' },
  // Tickets
  TicketUnknown: { status: 403, title: 'The join ticket is not known' },
  TicketUsed: { status: 403, title: 'The join ticket was used before' },
  TicketExpired: { status: 403, title: 'The join ticket has expired' },
  TicketForOtherLayer: { status: 403, title: 'The join ticket is for another layer' },
  // Game protocol
  FrameInvalid: { status: 400, title: 'The frame can not be read' },
  FrameTooLarge: { status: 413, title: 'The frame is larger than what is accepted' },
  HelloExpected: { status: 400, title: 'The first frame must be a hello with a ticket' },
  ProtocolUnsupported: { status: 400, title: 'Client and host speak different versions of the protocol' },
  MoveTooFast: { status: 400, title: 'The move is faster than the character can go' },
  TextInvalid: { status: 400, title: 'The text is empty, too long or holds control characters' },
  ItemUnknown: { status: 404, title: 'There is no such item within reach' },
  NobodyThere: { status: 404, title: 'There is nobody within reach' },
  CharacterDown: { status: 409, title: 'The character is down and can not do this before it is up again' },
  TooTired: { status: 409, title: 'The character has not the energy for this' },
  InventoryFull: { status: 409, title: 'The inventory is full' },
  // Infrastructure
  IndexUnavailable: { status: 503, title: 'The zone index does not answer' },
  IndexStale: { status: 503, title: 'What is known of the zone index is too old' },
  Unreachable: { status: 503, title: 'The service can not be reached' },
  StoreUnavailable: { status: 503, title: 'The store does not answer' },
  KubernetesUnavailable: { status: 503, title: 'The Kubernetes API does not answer' },
  KubernetesConflict: { status: 409, title: 'The object was changed by somebody else meanwhile' },
  KubernetesGone: { status: 410, title: 'The Kubernetes API no longer has this resource version' },
  KubernetesRefused: { status: 502, title: 'The Kubernetes API refused the request' },
  CodeMismatch: { status: 503, title: 'The layer was last played by other code, which alone can go on from its journal' },
  InvariantBroken: { status: 500, title: 'A promise of the layer would have been broken' },
  StoreOlder: { status: 500, title: 'The store is older than the zone index' },
  StoreCorrupt: { status: 500, title: 'A stored record can not be read back' },
  ConfigInvalid: { status: 500, title: 'The configuration is not valid' },
  Internal: { status: 500, title: 'An unexpected error' },
} as const satisfies Record<string, { status: number; title: string }>

export type ErrorCode = keyof typeof catalogue

export interface ErrorParts {
  /** What was asked, with the offending value if it is no secret. */
  readonly asked?: string
  /** What was found instead. */
  readonly found?: string
  /** What the reader can do about it. */
  readonly todo?: string
  /** After how many milliseconds another try makes sense. */
  readonly retryAfterMs?: number
  /** Where the one who asked stands in a queue. */
  readonly queue?: QueuePlace
  readonly cause?: unknown
}

export interface QueuePlace {
  /** 1 is next; undefined: the queue is full, and it is not in it. */
  readonly place?: number
  /** So many wait. */
  readonly length: number
}

/** The one error class of Bailiwick. Its message is the title and the parts, in one readable line. */
export class BailiwickError extends Error {
  override readonly name = 'BailiwickError'
  readonly code: ErrorCode
  readonly asked: string | undefined
  readonly found: string | undefined
  readonly todo: string | undefined
  readonly retryAfterMs: number | undefined
  readonly queue: QueuePlace | undefined

  constructor(code: ErrorCode, parts: ErrorParts = {}) {
    super(sentence(code, parts), parts.cause === undefined ? undefined : { cause: parts.cause })
    this.code = code
    this.asked = parts.asked
    this.found = parts.found
    this.todo = parts.todo
    this.retryAfterMs = parts.retryAfterMs
    this.queue = parts.queue
  }

  /** The HTTP status that this error becomes at the edge. */
  get status(): number {
    return catalogue[this.code].status
  }
}

function sentence(code: ErrorCode, parts: ErrorParts): string {
  const pieces: string[] = [catalogue[code].title]
  if (parts.asked !== undefined) pieces.push(`asked: ${parts.asked}`)
  if (parts.found !== undefined) pieces.push(`found: ${parts.found}`)
  if (parts.todo !== undefined) pieces.push(parts.todo)
  return pieces.join('; ')
}

/** True when `error` carries the given code. */
export function isCode<C extends ErrorCode>(error: unknown, ...codes: readonly C[]): error is BailiwickError & { readonly code: C } {
  return error instanceof BailiwickError && (codes as readonly ErrorCode[]).includes(error.code)
}

/** Any thrown value as text for a log line; never throws itself. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message
  return String(error)
}
