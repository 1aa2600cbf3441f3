/**
 * Every timing constant of Bailiwick, in milliseconds unless its name says otherwise. What must hold between them is asserted at the end
 * of this file, when it is loaded: a change that breaks an inequality does not start.
 */

// Hosts and the zone index
/** A host reports to the index so often. */
export const HEARTBEAT_EVERY = 500
/** A host whose last heartbeat is older is taken for dead and its layers are placed again. */
export const HOST_DEAD_AFTER = 2_000
/** … and one of which Agones says that it is Unhealthy (its container has ended, say), when it is silent for so long. */
export const HOST_SUSPECT_DEAD_AFTER = 1_000
/** No death verdict for so long after the index restarted, failed over or its clock jumped: every live host reaches it, and is heard, within this. */
export const INDEX_GRACE = 5_000
/** A gap in the index's own clock of more than this is a jump. */
export const INDEX_CLOCK_JUMP = 1_000
/** An assigned host must claim the layer (report Claiming, then Serving) within this, or the layer is placed again. */
export const CLAIM_DEADLINE = 2_000
/** A claim that is under way (the host reports Claiming) may take this long in all: store reads and replay. */
export const CLAIM_LIMIT = 15_000
/** Sweeps of a fleet (dead hosts, missed claims, open wishes) by operator and allocator. */
export const SWEEP_EVERY = 500
/** … and of one without hosts, in which only what is old is forgotten. */
export const SWEEP_EMPTY_EVERY = 10_000
/** Index calls give up after this. */
export const INDEX_CALL_DEADLINE = 1_500
/** A new connection to the index is tried for so long in all; when it took longer than a call may, another one is tried beside it. */
export const INDEX_CONNECT_LIMIT = 6_000
/** A dead host is forgotten after this. */
export const HOST_FORGOTTEN_AFTER = 60_000
/** A host that left is still counted as live for so long, at most: its game server stays Allocated until Agones has written Shutdown. */
export const LEAVING_COUNTED = 10_000
/** The bar of a forgotten zone stays this long, so that a stale reader can't place it. */
export const BAR_FORGOTTEN_AFTER = 600_000
/** A used or expired ticket is told from an unknown one for so long. */
export const TICKET_REMEMBERED = 60_000
/** A layer that failed twice in a row waits this long before it is placed again, then twice as long each time, up to the maximum. The first time it does not wait. */
export const FAILED_LAYER_WAIT_MIN = 500
export const FAILED_LAYER_WAIT_MAX = 15_000
/** Crashes of a layer count together while each comes within this of the one before. */
export const CRASH_FORGOTTEN_AFTER = 600_000
/** Closing a layer and opening it elsewhere takes no longer than this, as a rule: a drain with a deadline moves as many at once as it must, by this. */
export const DRAIN_MOVE_EXPECTED = 2_000
/** A host that is outdated waits so long for its turn: the others of its template learn of it a little earlier or later, and none of them is to be moved to. */
export const OUTDATED_SETTLE = 5_000
/**
 * A layer that can wait is moved only to a host that has been there for so long: before, its code is still being compiled and its connections made, and as a rule others like it
 * start on the same machine. A player would wait twice as long there.
 */
export const HOST_WARM_AFTER = 3_000
/** A host that drains for its node stays when the node takes pods again for so long: before, hosts that were ordered for its layers would be sent away when they are almost there. */
export const UNCORDON_SETTLE = 15_000
/** A drain with a deadline waits for a host with room until so long before it; then it closes its layers all the same. */
export const DRAIN_ROOM_RESERVE = 30_000
/** Waits between attempts to reach the index again; they go on for ever. */
export const INDEX_RECONNECT_MIN = 50
export const INDEX_RECONNECT_MAX = 1_000
/** A watch of the index asks for news with a call that waits this long, so that a broken connection is noticed. */
export const INDEX_WATCH_BLOCK = 1_000

// Capacity
/** Agones polls the FleetAutoscaler webhook so often (the chart sets it). */
export const AUTOSCALE_EVERY = 1_000
/** A host must have been empty, and beyond what was needed, for so long before it is retired. */
export const RETIRE_EMPTY_AFTER = 5_000
/** Layers opened and closed are counted over so long, to say how many are coming. */
export const FLOW_WINDOW = 15_000
/** How long a wish waits for a host that has to be started: taken for so long before one was seen. What waited for less, or for more, did not wait for a pod start. */
export const POD_START_GUESS = 5_000
export const POD_START_MIN = 500
export const POD_START_MAX = 60_000
/** Each further wish of one zone stands so much later in the queue for hosts than it was made. */
export const WISH_SPACING = 1_000
/** An Allocated game server that is no live host in the index for so long is not one that is about to register. */
export const STRAY_AFTER = 5_000
/** A host whose ticks are so late on average is given no more layers. */
export const HOST_LATE_FULL = 250
/** A host says what it has to do as an average over about so long. */
export const HOST_LOAD_OVER = 5_000
/** The rate of host births counts for so long after the last. */
export const BIRTHS_COUNT_FOR = 60_000
/** A backup that was begun so long ago and is not complete is nobody's any more. */
export const BACKUP_ABANDONED_AFTER = 2 * 86_400_000
/** A wish that a deleted account's things be erased is kept so long, though every eraser has done it: what a backup copied before that is erased again where it is restored. */
export const ERASURE_KEPT = 3 * 86_400_000
/** After an index was emptied for a restore, whoever still runs has written to it within this. */
export const INDEX_EMPTIED_WAIT = 3_000
/** A join whose wish would wait longer than this is told so at once. */
export const JOIN_QUEUE_LIMIT = 30_000
/** … to come back at the earliest and at the latest after this. */
export const NO_CAPACITY_RETRY_MIN = 1_000
export const NO_CAPACITY_RETRY_MAX = 120_000
/** A join of a zone that may not be placed for now (it is being moved or deleted) is told to come back after this. */
export const NO_CAPACITY_RETRY_AFTER = 2_000

// The allocator's copy of the index
/** It reads what changed so long after a change was heard: changes come in bursts … */
export const COPY_NOTICE_WAIT = 5
/** … and at least so often, whatever was heard: player counts make no change, and the copy is known to be true as of then. */
export const COPY_REFRESH_EVERY = 1_000
/** A copy that was last known to be true so long ago is not answered from. */
export const COPY_STALE_AFTER = 5_000
/** A request that waits for a change of a zone is answered after this at the latest. */
export const ZONE_WAIT_MAX = 10_000
/** A stream of a zone's changes says so often that it lives … */
export const ZONE_STREAM_HEARTBEAT = 10_000
/** … and ends after this: the client asks again, maybe another replica. */
export const ZONE_STREAM_LIMIT = 600_000

// Joins and tickets
export const TICKET_TTL = 15_000
/** A join waits this long for a host to have its layer before it answers 503. */
export const JOIN_WAIT = 8_000
/** A waiting join looks at its layer at least so often, whether or not a change was heard. */
export const JOIN_POLL_EVERY = 500
/** A client that could not reach a layer's host is told of the same place again after this: by then a dead host is found out. */
export const JOIN_UNREACHED_WAIT = 4_000
/** Whether a host that a client could not reach refuses connections is tried for so long … */
export const KNOCK_DEADLINE = 500
/** … and not again before this, whoever asks. */
export const KNOCK_AGAIN_AFTER = 500
/** The allocator goes on watching a fleet for so long after the last waiting join: a watch is a connection. */
export const JOIN_WATCH_LINGER = 30_000
/** A join of a zone whose layer is on its way is told to come back after this. */
export const ZONE_WAKING_RETRY_AFTER = 1_000
/** A join of a layer that is quarantined is told to come back after this: somebody has to look at it first. */
export const QUARANTINED_RETRY_AFTER = 30_000
/** A join of a full zone is told to come back after this. */
export const ZONE_FULL_RETRY_AFTER = 5_000
/** The first frame of a connection must be a valid hello within this. */
export const HELLO_DEADLINE = 5_000
/** A client that was sent to a layer which is still being claimed is held so long for it … */
export const HELLO_HOLD_LIMIT = 8_000
/** … and so long for a layer of which its host has not heard at all: meanwhile it asks the index … */
export const HELLO_UNHEARD_LIMIT = 1_000
/** … but for hellos alone not more often than this, and up to HEARTBEAT_EVERY less often while nothing comes of it: anybody can say one. */
export const HELLO_ASK_EVERY = 100
/** A connection that sends nothing is pinged so often; two unanswered pings end it. */
export const PING_EVERY = 15_000
/** A character whose connection is gone stays in the layer this long before it leaves. */
export const LINK_DEAD_AFTER = 10_000

/** A connection that was closed, but whose peer does not end its side, is cut after this. */
export const CONNECTION_END_LIMIT = 2_000
/** That connections are cut because there are too many is said at most so often. */
export const DROPPED_TOLD_EVERY = 10_000
/** A client that sends too fast is told so at most so often. */
export const TOO_MANY_TOLD_EVERY = 1_000

/** A tick is sent to one group of clients after another, so often. */
export const SEND_GROUP_EVERY = 2
/** A message for a client that is sent no state frame goes by itself after this. */
export const MESSAGE_WAIT = 100
/** A client that has acknowledged none of the state frames of so long is sent no more until it has … */
export const SLOW_CLIENT_AFTER = 3_000
/** … and is cut off when it has not by then. */
export const SLOW_CLIENT_CUT_AFTER = 10_000

// Layers
/** A snapshot asked for by a leave is written at most so often. */
export const CHECK_IN_EVERY = 100
/** A layer that is closing gives its outbox and final snapshot this long before it says that it can't. */
export const CLOSE_DEADLINE = 20_000
/** Store calls give up after this. */
export const STORE_CALL_DEADLINE = 5_000

/** An idle layer that may not close yet (a live ticket, the index away) tries again after this. */
export const CLOSE_RETRY_EVERY = 1_000
/** A join whose character is still being released here waits this long at most. */
export const RELEASE_WAIT = 5_000
/** A store or index call that must succeed some day (a snapshot, a release, a closing) is tried again after a wait that doubles between these, with jitter. */
export const LAYER_RETRY_MIN = 100
export const LAYER_RETRY_MAX = 3_000
/** A layer runs at most so far ahead of its journal; then it holds until the index answers. */
export const JOURNAL_AHEAD_LIMIT = 1_000
/** A layer that holds asks the store so often whether it is another's by now. */
export const HELD_CHECK_EVERY = 1_000
/** An append to the journal that had no answer is repeated after a wait that doubles between these, with jitter. */
export const JOURNAL_RETRY_MIN = 20
export const JOURNAL_RETRY_MAX = 500
/** A snapshot is taken early when a successor would have to replay for longer than this … */
export const REPLAY_LIMIT = 500
/** … but never sooner than this after the one before. */
export const SNAPSHOT_EVERY_MIN = 1_000
/** A claim that finds that the index forgot the layer's fence waits so long: an owner that lives finds it out meanwhile, and stores what only it has. */
export const FORGOTTEN_FENCE_WAIT = 3_000
/** An owner with nothing to write, and confirmed entries that only the index holds besides it, looks so often whether the index still has its fence. */
export const FENCE_LOOK_EVERY = 500
/** One tick that uses so much processor time does not end: its host says so, and ends itself. */
export const STEP_LIMIT = 1_000
/** Another thread looks so often whether a tick ends. */
export const STEP_WATCH_EVERY = 100
/** A host looks so often how full its memory is … */
export const MEMORY_LOOK_EVERY = 5_000
/** … and once it is nearly full tells whose it is; again after this at the earliest, and after twice as long each time, up to the second one, while it does not rise. */
export const MEMORY_TOLD_EVERY = 60_000
export const MEMORY_TOLD_PAUSE_MAX = 3_600_000
/** A replay lets the host's other layers go on after so long. */
export const REPLAY_SLICE = 5
/** Clients of a layer that closes or was lost are told to ask the allocator again after this. */
export const REDIRECT_RETRY_AFTER = 500
/** A host asked to stop closes its layers until so long before the end of its grace, then ends whatever is left. */
export const HOST_STOP_RESERVE = 10_000
/** A host whose layers are closed and whose shutdown is wished waits this long at most to see it. */
export const SHUTDOWN_SEEN_LIMIT = 5_000
/** Agones' count of Allocated servers may be so old. */
export const AGONES_COUNTED_WITHIN = 2_000
/** A game server that said that it is about to allocate itself is waited for so long. */
export const NEWBORN_COUNTED = 10_000
/** One that can't tell the index allocates itself all the same after this: then it is seen to be no host, and replaced. */
export const ANNOUNCE_LIMIT = 5_000
/** A retired host that gave itself back and is not taken by then is needed after all: the next poll of the autoscaler has kept the fleet's number. It is a host again. */
export const GIVEN_BACK_TAKEN_WITHIN = 4_000
/** The host looks at what there is to do at least so often. */
export const HOST_STEP_EVERY = 100

// Agones
/** A call to the SDK's sidecar gives up after this. */
export const SDK_CALL_DEADLINE = 3_000
/** The health ping: well within Agones' default period of 5 s. */
export const HEALTH_EVERY = 1_500
/** An SDK wish (ready, allocate, shutdown) is repeated until the watch agrees. */
export const SDK_REPEAT_EVERY = 2_000
export const SDK_RECONNECT_MIN = 200
export const SDK_RECONNECT_MAX = 5_000
/** The pod's grace: what the chart sets as terminationGracePeriodSeconds. */
export const POD_GRACE = 120_000

/**
 * A zone server that ended because its game server did waits so long for the end of its pod, which Agones deletes at once: a container that exits in the moment in which it is told to
 * stop can cost the pod its whole grace, because the container runtime then answers the kubelet with an error.
 */
export const POD_DELETION_WAIT = 5_000

// Operator
export const LEASE_DURATION = 8_000
export const LEASE_RENEW_DEADLINE = 6_000
export const LEASE_RETRY_EVERY = 2_000
export const WATCH_RESTART_MIN = 100
export const WATCH_RESTART_MAX = 10_000
/** The API server ends watches by itself at about this; asked for with jitter. */
export const WATCH_TIMEOUT = 300_000
/** A watch that heard nothing (not even a bookmark) for this long is broken. */
export const WATCH_SILENCE = 420_000
/** A connection that is quiet for so long is probed by the kernel, which ends it when the peer is gone. */
export const WATCH_PROBE_AFTER = 10_000
export const RECONCILE_BACKOFF_MIN = 50
export const RECONCILE_BACKOFF_MAX = 30_000
/** A zone that is not as its spec asks, and what the index holds of settings, is looked at again at least so often, whatever was heard. */
export const RESYNC_EVERY = 30_000
/** A zone that is as its spec asks is looked at again at least so often: for 10,000 of them every half minute would be all that an idle operator does. */
export const RESYNC_SETTLED_EVERY = 300_000
/** What is to be looked at a long while later is looked at together with all else that is due within so long. */
export const LOOKED_AT_TOGETHER = 1_000
/** A finalizer waits so long for its layers before it says what is left and goes on. */
export const FINALIZER_DEADLINE = 120_000
/** Player counts of a zone are written to its status at most so often. */
export const STATUS_PLAYERS_EVERY = 30_000
/** A crowd must have fitted into fewer layers for so long before one of them is closed and its players are sent to the others. */
export const CROWD_STABLE_FOR = 60_000
/** The operator reads a fleet's part of the index at most so often … */
export const VIEW_REFRESH_MIN = 100
/** … and at least so often, whatever was heard: player counts make no change. */
export const VIEW_REFRESH_MAX = 5_000
/** Status writes a second, over all zones. */
export const STATUS_WRITES_PER_SECOND = 50
/** The same event about the same zone is written again (with its count) at most so often. */
export const EVENT_REPEAT_AFTER = 300_000
/** What leaked is looked for so often, and one thing of a fleet cleaned with each look. */
export const CLEAN_EVERY = 10_000
/** An Allocated game server whose host is dead or unknown, or a host without a game server, for so long on end, has leaked … */
export const LEAKED_AFTER = 60_000
/** … and when no host of a fleet lives, for so long: rather the way to the index is broken. */
export const LEAKED_ALL_AFTER = 600_000
export const KUBERNETES_CALL_DEADLINE = 15_000
/** A pod's token is read again so often: it is good for ten minutes at least, and renewed when four fifths of its time are over. */
export const SERVICE_ACCOUNT_REREAD = 60_000

/** A host asks the index so often who is barred. */
export const ACCOUNT_BARS_READ_EVERY = 400
/** The index keeps a ban for so long at most: by then no access token of the account is good any more, and the store alone decides. */
export const ACCOUNT_BAR_KEPT = 3_600_000

// Services
export const ACCESS_TOKEN_TTL = 600_000
/** A session that nobody used for so long has ended … */
export const SESSION_TTL = 30 * 24 * 3_600_000
/** … and every other one so long after it was opened: then the player logs in again (docs/accounts.md). */
export const SESSION_LONGEST = 90 * 24 * 3_600_000
/** The chain of a session that has ended is removed after so long: until then it says to whoever comes late that it has ended, and to a request that opened it that it is not to be opened again. */
export const SESSION_FORGOTTEN_AFTER = 48 * 3_600_000
/** An erasure whose account still lives after so long was never decided: whoever asked for it died before. */
export const ERASURE_UNDECIDED = 600_000
/** An erasure that failed is tried again after this at first, then after twice as long each time, up to the most. */
export const ERASURE_RETRY_MIN = 60_000
export const ERASURE_RETRY_MAX = 6 * 3_600_000
/** A name whose account was not made within this of the claim is held by nobody. */
export const NAME_CLAIM_UNDECIDED = 60_000
/** A login at another issuer must come back within this … */
export const ISSUER_LOGIN_TTL = 600_000
/** … the code by which a game's client fetches what came of it, which has been in a browser's history, is good for so long … */
export const ISSUER_CODE_TTL = 60_000
/** … and what proves that it succeeded for so long: a player chooses a name meanwhile. */
export const ISSUER_PROOF_TTL = 600_000
/** An account without a password does what asks for one when its player logged in at the issuer no longer ago than this. */
export const FRESH_LOGIN = 600_000
/** One request to an issuer. */
export const ISSUER_CALL_DEADLINE = 2_500
/** How many times an issuer's description is asked for at once, with up to so long between two tries … */
export const ISSUER_TRIES = 2
export const ISSUER_RETRY_MAX = 500
/** … and when that failed not again before this. */
export const ISSUER_COOLDOWN = 5_000
/** It is read anew when it is older than this; meanwhile, and while the issuer is away, the old one serves. */
export const ISSUER_DESCRIPTION_CACHE = 3_600_000
/** Whoever failed to log in too often waits so long for the next try at first, then twice as long each time, up to the most … */
export const LOGIN_WAIT_MIN = 1_000
export const LOGIN_WAIT_MAX = 300_000
/** … and failures count for so long after the last one; where there is always another, as many as are free leak in this time. */
export const LOGIN_FAILURES_FORGOTTEN = 3_600_000
/** A character that is to be deleted can be restored for so long, unless the settings say otherwise. */
export const DELETE_GRACE = 7 * 24 * 3_600_000
/** A making, renaming or deletion that was begun and not ended after so long is ended by whoever sweeps. */
export const UNFINISHED_AFTER = 60_000
/** Each service looks so often for what is due … */
export const DUE_SWEEP_EVERY = 30_000
/** … and so soon again while it finds as much as it does at once. */
export const DUE_SWEEP_BUSY = 1_000
/** What fails is put off for DUE_SWEEP_EVERY at first, then for twice as long each time, up to this. */
export const DUE_SWEEP_PUT_OFF_MAX = 3_600_000
/** What an account left when it was deleted but is still held by a layer is looked at again after this. */
export const ERASE_RETRY = 60_000
/** The answer to a request with an Idempotency-Key is kept for so long. */
export const IDEMPOTENCY_KEPT = 24 * 3_600_000
/** Such a request that was not answered within this is taken up by the next one with its key. */
export const IDEMPOTENCY_UNDER_WAY = 30_000
/** A browser's page that was loaded anew may show the refresh token of the one before for so long: the answer with the next one may have been lost with it. */
export const REFRESH_GRACE = 10_000
/** Too many passwords wait to be checked: the client is told to come back after this. */
export const PASSWORD_BUSY_RETRY_AFTER = 1_000
export const HTTP_REQUEST_DEADLINE = 15_000
/** A connection must have sent the headers of its request within this. */
export const HTTP_HEADERS_LIMIT = 10_000
/** A connection must have sent the whole of its request within this. */
export const HTTP_RECEIVE_LIMIT = 20_000
/** An idle connection is kept so long: longer than the usual idle limit of a load balancer (60 s), so that it is the balancer that closes it. */
export const HTTP_KEEP_ALIVE = 65_000
/** The limits above are looked at so often. All connections whose time was over since are cut in one go: of 10,000 that are slow, a hundred or fewer. */
export const HTTP_LIMITS_CHECKED_EVERY = 100
/** After SIGTERM a service is not ready, but still answers, for this long, so that endpoints can be withdrawn. */
export const SHUTDOWN_DRAIN = 2_000
export const SHUTDOWN_LIMIT = 10_000
/** A program that was asked to stop and has not after this is ended. A zone server, which has layers to close, gives itself longer. */
export const PROGRAM_STOP_LIMIT = 25_000
export const JWKS_CACHE = 300_000
/** The file with the signing keys is read so often … */
export const SIGNING_KEY_READ_EVERY = 10_000
/** … and a new first key signs when it has been published for so long: by then every replica has it (a kubelet takes up to about 2 minutes to write a changed Secret into all pods). */
export const SIGNING_KEY_SETTLE = 300_000
/** The keys are not fetched again sooner than this, whether the last fetch worked or not. */
export const JWKS_COOLDOWN = 5_000
export const JWKS_FETCH_DEADLINE = 3_000
/** Clocks of the issuer and of those who check may differ by so much. */
export const TOKEN_CLOCK_TOLERANCE = 5_000

// Embedded world
/** The folder of manifests is looked at so often, besides being watched … */
export const FOLDER_POLL_EVERY = 2_000
/** … and so long after the last change of a burst: editors save in several steps. */
export const FOLDER_SETTLE = 100
/** Hosts of the embedded world get so long to write their final snapshots when it is stopped. */
export const EMBEDDED_STOP_LIMIT = 10_000

// Client
export const CLIENT_RECONNECT_MIN = 200
export const CLIENT_RECONNECT_MAX = 5_000
export const CLIENT_REQUEST_DEADLINE = 15_000
/** A connection to a host must be open within this, or the next endpoint is tried. */
export const CLIENT_CONNECT_DEADLINE = 5_000
/** After the hello, the welcome must come within this: the host may have to read the character from the store. */
export const CLIENT_WELCOME_DEADLINE = 10_000
/** A client that heard nothing for so long sends a ping … */
export const CLIENT_PING_AFTER = 2_000
/** … and takes the connection for broken when it hears nothing for so long after the ping. */
export const CLIENT_PONG_DEADLINE = 6_000
/** A client that sent nothing for so long acknowledges what it has seen. */
export const CLIENT_ACK_EVERY = 1_000
/** A refusal that may pass (the character is still leaving another layer) is taken for final after this. */
export const CLIENT_PATIENCE = 20_000
/** A tell without an answer is given up after this. */
export const CLIENT_TELL_DEADLINE = 30_000
/** A leave that is not answered by a goodbye is over after this. */
export const CLIENT_LEAVE_DEADLINE = 5_000
/** The access token is renewed when it has less than this left. */
export const CLIENT_REFRESH_BEFORE = 60_000

/** A player has so long to log in at an issuer, in the system's browser. */
export const CLIENT_BROWSER_LOGIN_LIMIT = 600_000

// Load generator
/** Each of its clients moves so often. */
export const LOAD_MOVE_EVERY = 100
/** It looks so often which moves are due. */
export const LOAD_BEAT = 2
/** All its clients are in within this, or it gives up. */
export const LOAD_JOIN_LIMIT = 60_000
/** When all are in it lets the server find its pace for so long before it measures. */
export const LOAD_SETTLE = 2_500
/** The longest it measures. */
export const LOAD_LIMIT = 600_000

/** The inequalities that the protocol relies on; each with the reason. Exported for the test that lists them. */
export const inequalities: readonly (readonly [boolean, string])[] = [
  [HEARTBEAT_EVERY * 3 < HOST_DEAD_AFTER, 'three heartbeats may be lost before a host is taken for dead'],
  [
    HEARTBEAT_EVERY * 2 <= HOST_SUSPECT_DEAD_AFTER && HOST_SUSPECT_DEAD_AFTER < HOST_DEAD_AFTER,
    'a suspected host has time for a heartbeat',
  ],
  [INDEX_CALL_DEADLINE < HOST_DEAD_AFTER, 'a host notices that its index call failed before it is taken for dead'],
  [
    INDEX_CALL_DEADLINE * 2 <= INDEX_CONNECT_LIMIT && INDEX_CONNECT_LIMIT <= INDEX_CALL_DEADLINE * 4,
    'who can not connect in time is given more of it, and no more than four are tried at once',
  ],
  [
    // It waits for one that is gone, backs off, connects, and comes to its next heartbeat.
    INDEX_GRACE > HOST_DEAD_AFTER && INDEX_GRACE > INDEX_CALL_DEADLINE + INDEX_RECONNECT_MAX + INDEX_CALL_DEADLINE + HEARTBEAT_EVERY,
    'after an index outage every live host is heard before the first verdict, whatever it was waiting for when the index came back',
  ],
  [INDEX_GRACE + CLAIM_DEADLINE < JOIN_WAIT, 'a join outlasts a failover that waits for the end of a grace'],
  [INDEX_CLOCK_JUMP > HEARTBEAT_EVERY && INDEX_CLOCK_JUMP > SWEEP_EVERY, 'the quiet between two calls is no jump of the clock'],
  [FAILED_LAYER_WAIT_MIN <= FAILED_LAYER_WAIT_MAX && INDEX_RECONNECT_MIN <= INDEX_RECONNECT_MAX, 'a back-off grows'],
  [HEARTBEAT_EVERY * 2 <= CLAIM_DEADLINE, 'an assigned host hears of it by heartbeat, even if the change notice is lost'],
  [CLAIM_DEADLINE <= CLAIM_LIMIT, 'a claim starts before it may end'],
  [JOIN_WAIT < HTTP_REQUEST_DEADLINE, 'a waiting join answers before its request is cut off'],
  [JOIN_WAIT + 1_000 < TICKET_TTL, 'a ticket outlives the wait of a join'],
  [HOST_DEAD_AFTER + CLAIM_DEADLINE < JOIN_WAIT, 'a join outlasts one failover'],
  [HELLO_DEADLINE < TICKET_TTL, 'a ticket outlives the hello'],
  [HELLO_UNHEARD_LIMIT + HELLO_HOLD_LIMIT < CLIENT_WELCOME_DEADLINE, 'a client that is held hears how it ends before it gives its host up'],
  [HEARTBEAT_EVERY < HELLO_UNHEARD_LIMIT, 'a host that was sent a client too early asks the index while it holds it'],
  [HELLO_UNHEARD_LIMIT + INDEX_CALL_DEADLINE < TICKET_TTL, 'a ticket that is redeemed when its claim is heard of is still good'],
  [FORGOTTEN_FENCE_WAIT + CLAIM_DEADLINE < HELLO_HOLD_LIMIT, 'a client is held for a claim that waits for an owner'],
  [HELLO_HOLD_LIMIT < CLAIM_LIMIT, 'who is held asks again before the claim is taken back, and may be held again'],
  [HELLO_ASK_EVERY < HEARTBEAT_EVERY, 'a hello that came early is not left to the next heartbeat'],
  [
    AUTOSCALE_EVERY * 3 < GIVEN_BACK_TAKEN_WITHIN && GIVEN_BACK_TAKEN_WITHIN + SDK_REPEAT_EVERY < JOIN_WAIT,
    'a host that gives itself back is seen so by a poll before it takes itself for needed, and a join outlasts its way back',
  ],
  [INDEX_CALL_DEADLINE * 2 < ANNOUNCE_LIMIT, 'the index is told on the second try'],
  [HEALTH_EVERY * 3 < 5_000, 'three health pings fit into one period of Agones'],
  [CLOSE_DEADLINE + HOST_STOP_RESERVE < POD_GRACE, 'a host that stops has time for its layers and for its end'],
  [HOST_WARM_AFTER < DRAIN_ROOM_RESERVE, 'what a drain in a hurry is left with is more than it gave new hosts'],
  [DRAIN_MOVE_EXPECTED < DRAIN_ROOM_RESERVE, 'a drain that waited for room still has time to move a layer'],
  [
    CLOSE_DEADLINE < DRAIN_ROOM_RESERVE && DRAIN_ROOM_RESERVE + HOST_STOP_RESERVE < POD_GRACE,
    'a pod in its grace waits for room and still closes',
  ],
  [HOST_STEP_EVERY < HEARTBEAT_EVERY, 'heartbeats are not late because nobody looked'],
  [JOURNAL_RETRY_MIN <= JOURNAL_RETRY_MAX && LAYER_RETRY_MIN <= LAYER_RETRY_MAX, 'a wait between tries grows'],
  [JOURNAL_RETRY_MAX < JOURNAL_AHEAD_LIMIT, 'a layer whose index answers again is not held by its own wait'],
  [
    Math.max(HEARTBEAT_EVERY, FENCE_LOOK_EVERY) + INDEX_CALL_DEADLINE + JOURNAL_RETRY_MAX < FORGOTTEN_FENCE_WAIT,
    'an owner whose call to the index was lost with its fence still finds that out, and stores what only it has, before another claims its layer',
  ],
  [FORGOTTEN_FENCE_WAIT + CLAIM_DEADLINE < JOIN_WAIT, 'a join outlasts a claim that waits for an owner'],
  [FORGOTTEN_FENCE_WAIT * 2 < CLAIM_LIMIT, 'a claim that waited for an owner has time to recover'],
  [REPLAY_LIMIT < CLAIM_DEADLINE, 'a layer is replayed well within the time of its claim'],
  [
    HEARTBEAT_EVERY + STEP_LIMIT + STEP_WATCH_EVERY * 2 < HOST_DEAD_AFTER,
    'a tick that does not end is told of before its host is taken for dead',
  ],
  [MEMORY_TOLD_EVERY < MEMORY_TOLD_PAUSE_MAX, 'a memory that rests nearly full is told of less and less'],
  [MEMORY_LOOK_EVERY * 2 < MEMORY_TOLD_EVERY, 'a memory that stays nearly full is looked at more often than it is told of'],
  [REPLAY_SLICE < REPLAY_LIMIT, 'a replay is cut into slices'],
  [CHECK_IN_EVERY < SNAPSHOT_EVERY_MIN, 'who leaves waits for a segment, not for a snapshot'],
  [CLOSE_DEADLINE < POD_GRACE, 'a layer can close within the grace of its pod'],
  [HTTP_REQUEST_DEADLINE * 3 < NAME_CLAIM_UNDECIDED, 'a name that is being registered is not taken for one that is held by nobody'],
  [BACKUP_ABANDONED_AFTER < ERASURE_KEPT, 'a backup holds the wish for every erasure that was done while it was made'],
  [HTTP_REQUEST_DEADLINE * 3 < ERASURE_UNDECIDED, 'a deletion that is under way is not taken for one that was given up'],
  [
    Math.max(HTTP_REQUEST_DEADLINE, ISSUER_PROOF_TTL, ACCESS_TOKEN_TTL, STORE_CALL_DEADLINE) * 100 < SESSION_FORGOTTEN_AFTER &&
      IDEMPOTENCY_KEPT < SESSION_FORGOTTEN_AFTER,
    'a session is forgotten when nothing that opened, used or ended it is still under way or good',
  ],
  [
    ACCESS_TOKEN_TTL * 100 < SESSION_TTL && SESSION_TTL * 2 < SESSION_LONGEST,
    'who plays now and then is not asked to log in again each time',
  ],
  [LOGIN_WAIT_MIN < LOGIN_WAIT_MAX && LOGIN_WAIT_MAX < LOGIN_FAILURES_FORGOTTEN, 'a wait after failed logins grows, and ends'],
  [ACCOUNT_BARS_READ_EVERY * 2 < 1_000, 'who is banned is cut off within a second, even if one look comes late'],
  [ACCESS_TOKEN_TTL + TICKET_TTL + TOKEN_CLOCK_TOLERANCE < ACCOUNT_BAR_KEPT, 'the index bars an account until the store alone can'],
  [HTTP_REQUEST_DEADLINE * 2 < UNFINISHED_AFTER, 'what a request is still doing is not taken for left behind'],
  [HTTP_REQUEST_DEADLINE < IDEMPOTENCY_UNDER_WAY, 'of two requests with one key the second does not begin while the first is answered'],
  [
    IDEMPOTENCY_UNDER_WAY < IDEMPOTENCY_KEPT && DUE_SWEEP_BUSY < DUE_SWEEP_EVERY,
    'a key outlives its request; a sweep that has more to do comes sooner',
  ],
  [
    ISSUER_CALL_DEADLINE * (ISSUER_TRIES + 3) + ISSUER_RETRY_MAX * (ISSUER_TRIES - 1) < HTTP_REQUEST_DEADLINE,
    'a request outlasts all that is asked of an issuer: its description, the tokens, the keys and what it knows of the player',
  ],
  [ISSUER_LOGIN_TTL < SIGNING_KEY_SETTLE + ACCESS_TOKEN_TTL, 'what was sealed can be opened after a change of the signing keys'],
  [ISSUER_PROOF_TTL < SIGNING_KEY_SETTLE + ACCESS_TOKEN_TTL && ISSUER_CODE_TTL < ISSUER_PROOF_TTL, 'so can what proves a login'],
  [ISSUER_COOLDOWN < ISSUER_DESCRIPTION_CACHE, 'a description can be read again before it is old'],
  [REFRESH_GRACE * 10 < ACCESS_TOKEN_TTL, 'a refresh token that was used is good again for much less than the next one lasts'],
  [DUE_SWEEP_EVERY < DUE_SWEEP_PUT_OFF_MAX, 'what fails is put off, and longer each time'],
  [
    ERASURE_RETRY_MIN < ERASURE_RETRY_MAX && ERASURE_RETRY_MAX < ERASURE_KEPT,
    'an erasure that fails is tried again several times before a backup could miss its wish',
  ],
  [JWKS_FETCH_DEADLINE < HTTP_REQUEST_DEADLINE, 'a request outlasts one fetch of the keys'],
  [SIGNING_KEY_READ_EVERY * 3 + 120_000 < SIGNING_KEY_SETTLE, 'a key is published by every replica before one of them signs with it'],
  [JWKS_COOLDOWN < JWKS_CACHE, 'keys can be fetched again before they are old'],
  [HTTP_HEADERS_LIMIT < HTTP_RECEIVE_LIMIT, 'headers come before the body'],
  [HTTP_REQUEST_DEADLINE < HTTP_RECEIVE_LIMIT, 'a request that comes in too slowly is answered before its connection is cut'],
  [SHUTDOWN_DRAIN + SHUTDOWN_LIMIT < PROGRAM_STOP_LIMIT, 'a graceful stop ends before it is cut short'],
  [PROGRAM_STOP_LIMIT < 30_000, "a service stops within Kubernetes' default grace"],
  [
    SWEEP_EMPTY_EVERY > SWEEP_EVERY && SWEEP_EMPTY_EVERY % SWEEP_EVERY === 0,
    'an empty fleet is swept with every so many sweeps of the others',
  ],
  [RESYNC_EVERY < RESYNC_SETTLED_EVERY, 'what is not as it shall be is looked at more often than what is'],
  [LEASE_RENEW_DEADLINE < LEASE_DURATION, 'a leader stops before another may start'],
  [LEASE_RETRY_EVERY < LEASE_RENEW_DEADLINE, 'a renewal can fail once'],
  [LEASE_DURATION <= 10_000, 'hand-over of the operator within 15 s'],
  [WATCH_TIMEOUT < WATCH_SILENCE, 'a quiet watch is ended by the server before it is taken for broken'],
  [CLIENT_REQUEST_DEADLINE > JOIN_WAIT, 'a client waits longer than the allocator'],
  [CLIENT_ACK_EVERY * 2 < PING_EVERY, 'a client that lives sends something before the host asks'],
  [CLIENT_ACK_EVERY * 2 < SLOW_CLIENT_AFTER, 'an acknowledgement may be lost, or late, before its client is taken for slow'],
  [SLOW_CLIENT_AFTER * 2 < SLOW_CLIENT_CUT_AFTER, 'a slow client has time to catch up'],
  [MESSAGE_WAIT < CLIENT_PONG_DEADLINE, 'a pong that waits for the next frame is in time'],
  [CLIENT_PATIENCE > LINK_DEAD_AFTER + CHECK_IN_EVERY, 'a client outlasts its own lost connection in another layer'],
  [CLIENT_REFRESH_BEFORE * 2 < ACCESS_TOKEN_TTL, 'an access token is used for most of its life'],
  [JOIN_UNREACHED_WAIT > HOST_DEAD_AFTER + SWEEP_EVERY * 2, 'a client whose host died is not sent to it again'],
  [KNOCK_DEADLINE <= KNOCK_AGAIN_AFTER, 'one host is tried once at a time'],
  [
    KNOCK_DEADLINE < HOST_SUSPECT_DEAD_AFTER && KNOCK_AGAIN_AFTER + HOST_SUSPECT_DEAD_AFTER < HOST_DEAD_AFTER,
    'a host that is suspected is found dead earlier than by its silence alone, also with the second try',
  ],
  [JOIN_UNREACHED_WAIT < JOIN_WAIT, 'one that could not reach a living host still gets its answer'],
  [LEAKED_AFTER > HOST_DEAD_AFTER * 10 && LEAKED_AFTER > LEAVING_COUNTED, 'a host has time to come back, or to go, before it is cleaned'],
  [LEAKED_AFTER < LEAKED_ALL_AFTER && CLEAN_EVERY * 2 < LEAKED_AFTER, 'one is suspected more than once before it is cleaned'],
  [POD_START_MIN <= POD_START_GUESS && POD_START_GUESS <= POD_START_MAX, 'the guess of a pod start is one that could be seen'],
  [AUTOSCALE_EVERY * 4 <= FLOW_WINDOW, 'what is coming is told from more than one moment'],
  [
    STRAY_AFTER <= LEAVING_COUNTED && STRAY_AFTER > SDK_REPEAT_EVERY,
    'a host has time to register, and one that left to go, before it is a stray',
  ],
  [JOIN_WAIT < JOIN_QUEUE_LIMIT, 'a join that would be served in time is not sent away'],
  [JOIN_QUEUE_LIMIT < NO_CAPACITY_RETRY_MAX && NO_CAPACITY_RETRY_MIN < NO_CAPACITY_RETRY_MAX, 'who is sent away is told the truth'],
  [CRASH_FORGOTTEN_AFTER > FAILED_LAYER_WAIT_MAX * 4, 'a layer that crashes each time it is placed is found out'],
  [CROWD_STABLE_FOR >= VIEW_REFRESH_MAX * 4, 'a crowd is seen several times before one of its layers closes'],
  [CROWD_STABLE_FOR > LINK_DEAD_AFTER * 2, 'a layer is not closed because its players lost their connections for a moment'],
  [LOAD_BEAT * 10 <= LOAD_MOVE_EVERY, 'the moves of a generated crowd are spread over the time between two'],
  [COPY_NOTICE_WAIT * 10 <= 50, 'a change is seen within 50 ms, most of which are left for the network and a busy machine'],
  [COPY_REFRESH_EVERY + INDEX_CALL_DEADLINE * 2 < COPY_STALE_AFTER, 'one read of the index may fail before its copy is too old'],
  [ZONE_WAIT_MAX < HTTP_REQUEST_DEADLINE, 'a request that waits for a change is answered before it is cut off'],
  [ZONE_STREAM_HEARTBEAT < 30_000, 'a stream is not taken for idle by what lies between (30 s at the strictest)'],
  [
    INDEX_EMPTIED_WAIT > HEARTBEAT_EVERY * 4 && INDEX_EMPTIED_WAIT > AUTOSCALE_EVERY * 2,
    'a host or an allocator that still runs writes to an emptied index before it is taken for left alone',
  ],
  [JOIN_POLL_EVERY * 4 < JOIN_WAIT, 'a waiting join whose change notice was lost still sees the layer served'],
]

for (const [holds, reason] of inequalities) {
  if (!holds) throw new Error(`core/timing.ts: ${reason} (it does not hold)`)
}
