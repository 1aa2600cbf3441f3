import {
  AGONES_COUNTED_WITHIN,
  BAR_FORGOTTEN_AFTER,
  CLAIM_DEADLINE,
  CLAIM_LIMIT,
  CRASH_FORGOTTEN_AFTER,
  DRAIN_MOVE_EXPECTED,
  DRAIN_ROOM_RESERVE,
  FAILED_LAYER_WAIT_MAX,
  FAILED_LAYER_WAIT_MIN,
  FLOW_WINDOW,
  HOST_DEAD_AFTER,
  HOST_FORGOTTEN_AFTER,
  HOST_LATE_FULL,
  HOST_SUSPECT_DEAD_AFTER,
  HOST_WARM_AFTER,
  INDEX_CLOCK_JUMP,
  INDEX_GRACE,
  LEAVING_COUNTED,
  NEWBORN_COUNTED,
  OUTDATED_SETTLE,
  POD_START_GUESS,
  POD_START_MAX,
  POD_START_MIN,
  STRAY_AFTER,
  TICKET_REMEMBERED,
  WISH_SPACING,
} from './timing.ts'

/** Accounts that may be barred at once; a bar lasts as long as an access token may, so they are few. */
export const ACCOUNT_BARS_MAX = 10_000

/** What every driver of the zone index decides by: times in milliseconds, and bounds. */
export interface IndexRules {
  readonly hostDeadAfter: number
  /** A host that somebody else says has ended is dead when it is silent for so long. */
  readonly suspectDeadAfter: number
  readonly grace: number
  readonly clockJump: number
  readonly claimDeadline: number
  readonly claimLimit: number
  readonly hostForgottenAfter: number
  readonly leavingCounted: number
  /** How long a game server that is about to be a host is waited for, and how many are at most. */
  readonly newbornCounted: number
  readonly newbornMax: number
  /** A host that was born within it may not be among those that Agones counted. */
  readonly countedWithin: number
  readonly barForgottenAfter: number
  readonly ticketRemembered: number
  readonly failedLayerWaitMin: number
  readonly failedLayerWaitMax: number
  /** So many crashes on the same entry, or in play, are enough. */
  readonly crashesMax: number
  readonly crashForgottenAfter: number
  /** So many hosts in a row that died while they claimed the layer are enough: more than crashes, since a host may die of something else. */
  readonly claimDeathsMax: number
  /** How long the move of a layer takes at most, as a rule: how many a drain with a deadline must move at once. */
  readonly drainMoveExpected: number
  /** A drain waits for room until so long before its deadline. */
  readonly drainRoomReserve: number
  /** Layers that the drains of a fleet move at once, while their deadlines allow. */
  readonly drainMoves: number
  /** How long after its registration a host is moved to. */
  readonly hostWarmAfter: number
  /** How long a host is outdated before its turn may come. */
  readonly outdatedSettle: number
  /** Percent of a fleet's hosts that are drained at once because they are outdated; one at least. */
  readonly outdatedShare: number
  /** Tickets remembered for one layer, used and expired ones included. */
  readonly ticketsPerLayer: number
  /** Layers handled by one sweep, and wishes placed by one registration or heartbeat. */
  readonly sweepLimit: number
  /** Characters kept of the reason why a layer was given up. */
  readonly failureLength: number
  /** What is opened and closed is counted over so long, to say what is coming. */
  readonly flowWindow: number
  /** An Allocated server that is no live host for so long is one that stays so. */
  readonly strayAfter: number
  /** How long a wish waits for a host that has to be started: before one was seen; and what is taken for such a wait, at least and at most. */
  readonly podStartGuess: number
  readonly podStartMin: number
  readonly podStartMax: number
  /** Each further wish of one zone stands so much later in the queue than it was made. */
  readonly wishSpacing: number
  /** Layers that may wait for a host. */
  readonly wishesMax: number
  /** A host with so many players, or whose thread of layers uses so many thousandths of a core, or whose ticks are so late (ms), is given no more. */
  readonly hostPlayersFull: number
  readonly hostCpuFull: number
  readonly hostLateFull: number
  /** Changes kept for those who watch and are slow. */
  readonly changesKept: number
}

export const defaultIndexRules: IndexRules = {
  hostDeadAfter: HOST_DEAD_AFTER,
  suspectDeadAfter: HOST_SUSPECT_DEAD_AFTER,
  grace: INDEX_GRACE,
  clockJump: INDEX_CLOCK_JUMP,
  claimDeadline: CLAIM_DEADLINE,
  claimLimit: CLAIM_LIMIT,
  hostForgottenAfter: HOST_FORGOTTEN_AFTER,
  leavingCounted: LEAVING_COUNTED,
  newbornCounted: NEWBORN_COUNTED,
  newbornMax: 1_000,
  countedWithin: AGONES_COUNTED_WITHIN,
  barForgottenAfter: BAR_FORGOTTEN_AFTER,
  ticketRemembered: TICKET_REMEMBERED,
  failedLayerWaitMin: FAILED_LAYER_WAIT_MIN,
  failedLayerWaitMax: FAILED_LAYER_WAIT_MAX,
  crashesMax: 3,
  crashForgottenAfter: CRASH_FORGOTTEN_AFTER,
  claimDeathsMax: 5,
  drainMoveExpected: DRAIN_MOVE_EXPECTED,
  drainRoomReserve: DRAIN_ROOM_RESERVE,
  drainMoves: 8,
  hostWarmAfter: HOST_WARM_AFTER,
  outdatedSettle: OUTDATED_SETTLE,
  outdatedShare: 10,
  ticketsPerLayer: 4_096,
  sweepLimit: 200,
  failureLength: 500,
  flowWindow: FLOW_WINDOW,
  strayAfter: STRAY_AFTER,
  podStartGuess: POD_START_GUESS,
  podStartMin: POD_START_MIN,
  podStartMax: POD_START_MAX,
  wishSpacing: WISH_SPACING,
  wishesMax: 10_000,
  hostPlayersFull: 2_000,
  hostCpuFull: 700,
  hostLateFull: HOST_LATE_FULL,
  changesKept: 10_000,
}
