-- The life of a layer. platform/memory/layers.ts is the same in TypeScript.

local LATE = 'the host did not claim it in time'

-- What the program makes a LayerView of.
local function layer_answer(fleet, id, barred)
  local layer = layer_of(fleet, id)
  return { layer = layer, host = layer and host_of(fleet, layer.host) or nil, barred = barred, now = fleet.now }
end

-- The records as they are stored; the program makes views of them.
local function fleet_records(fleet)
  local key = fleet.key
  return { fleet.now, fleet.grace_until, redis.call('HVALS', key.hosts), redis.call('HVALS', key.layers), redis.call('HKEYS', key.bars) }
end

local function silent(host)
  return 'host ' .. host .. ' sends no heartbeat'
end

-- The layer's host could not do it: the next choice avoids it.
local function give_up(fleet, layer)
  stop_moving(fleet, layer)
  layer.ended = true
  layer.failures = layer.failures + 1
  layer.avoid = layer.host
end

-- The claim deadline passed: the layer is placed again. True when assigned.
local function retake(fleet, layer)
  give_up(fleet, layer)
  return resettle(fleet, layer, 'late', LATE)
end

local function place_layer(fleet, asked)
  if is_barred(fleet, asked.layer) then return layer_answer(fleet, asked.layer, true) end
  local layer = layer_record(fleet, asked.layer)
  local host = host_of(fleet, layer.host)
  if not host then
    -- Those who wait already come first.
    place_wishes(fleet, fleet.rules.sweepLimit)
    if not layer.host and layer.state ~= 'Quarantined' and (layer.state ~= 'Wished' or is_due(fleet, layer)) then place(fleet, layer) end
  elseif is_dead(host, fleet) then
    layer.wished = true
    resettle(fleet, layer, 'dead', silent(host.name))
  elseif claim_is_late(layer, fleet) then
    layer.wished = true
    retake(fleet, layer)
  elseif layer.state == 'Closing' or layer.close then
    if not layer.wished then layer_changed(fleet, layer) end
    layer.wished = true
    put_layer(fleet, layer)
  end
  return layer_answer(fleet, asked.layer, false)
end

-- Where a layer that was not placed stands among those that wait; not in the queue: it is full.
local function queue_answer(fleet, id)
  local layer = layer_of(fleet, id)
  if not layer or (layer.state ~= 'Wished' and layer.state ~= 'Asleep') or is_barred(fleet, id) then return nil end
  local demand = demand_of(fleet)
  local place = redis.call('ZRANK', fleet.key.wishes, id)
  return {
    place = place and place + 1 or nil,
    length = redis.call('ZCARD', fleet.key.wishes),
    capacity = tonumber(redis.call('HGET', fleet.key.clock, 'capacity') or 1),
    podStartMs = pod_start(demand, fleet.rules),
    births = demand.births
  }
end

-- Its host serves it, or is about to and holds who comes too early: a client may be sent there.
local function takes_tickets(fleet, layer)
  local host = layer and host_of(fleet, layer.host) or nil
  if not host or is_dead(host, fleet) or (layer.state ~= 'Serving' and not host.holdsHellos) then return false end
  return layer.state ~= 'Closing' and not layer.close and not claim_is_late(layer, fleet)
end

local function join_layer(fleet, asked)
  local barred = is_barred(fleet, asked.layer)
  local before = not barred and takes_tickets(fleet, layer_of(fleet, asked.layer))
  local answer = before and layer_answer(fleet, asked.layer, false) or place_layer(fleet, asked)
  local layer = layer_of(fleet, asked.layer)
  answer.ticketed = not barred and takes_tickets(fleet, layer) and add_ticket(fleet, layer, asked.ticket)
  answer.queue = queue_answer(fleet, asked.layer)
  return answer
end

local function request_close(fleet, asked)
  local layer = layer_of(fleet, asked.layer)
  if not layer or layer.state == 'Asleep' or layer.state == 'Quarantined' then return end
  if layer.state == 'Wished' or layer.state == 'Assigned' then
    release(fleet, layer)
    sleep(fleet, layer)
    return
  end
  -- A drain moves the layer; every other reason is meant to keep it closed, and outlives a drain.
  if asked.reason ~= 'Drain' then
    layer.wished = false
    unreserve(fleet, layer)
  end
  if asked.reason ~= 'Drain' or not layer.close then layer.close = asked.reason end
  put_layer(fleet, layer)
  layer_changed(fleet, layer)
end

-- The layer, when its slot is this host's, in this generation.
local function layer_held(fleet, asked)
  local layer = layer_of(fleet, asked.layer)
  if layer and layer.host == asked.host and layer.generation == asked.generation then return layer end
  return nil
end

local function begin_close(fleet, asked)
  local layer = layer_held(fleet, asked)
  if not layer then return 'lost' end
  if layer.state == 'Closing' then return 'ok' end
  if not asked.force and has_live_ticket(fleet, layer) then return 'tickets' end
  -- Its host had not heard yet that it may stay.
  if asked.force and layer.takenBack and not layer.close then layer.wished = true end
  layer.deadline = nil
  enter(fleet, layer, 'Closing')
  layer_changed(fleet, layer)
  return 'ok'
end

local function close_layer(fleet, asked)
  local layer = layer_held(fleet, asked)
  if not layer then return 'lost' end
  local wanted = layer.wished and not is_barred(fleet, layer.layer)
  release(fleet, layer)
  layer.ended = true
  layer.failure = nil
  layer.failures = 0
  layer.crash = nil
  layer.claimDeaths = 0
  layer.avoid = nil
  if wanted then place(fleet, layer) else sleep(fleet, layer) end
  place_wishes(fleet, fleet.rules.sweepLimit)
  return 'ok'
end

local function fail_layer(fleet, asked)
  local layer = layer_held(fleet, asked)
  if not layer then return 'lost' end
  local wanted = wants_place(layer, 'failed', is_barred(fleet, layer.layer))
  give_up(fleet, layer)
  release(fleet, layer)
  layer.failure = asked.reason
  layer.claimDeaths = 0
  local crashes = 0
  if asked.crash then
    crashes = crashes_in_row(layer.crash, asked.crash, fleet)
    layer.crash = { tick = asked.crash.tick, replayed = asked.crash.replayed, count = crashes, at = fleet.now }
  end
  if not wanted then
    sleep(fleet, layer)
  elseif crashes >= fleet.rules.crashesMax then
    quarantine(fleet, layer, layer.failure)
  else
    local wait = wait_after_failures(math.max(layer.failures, crashes), fleet.rules)
    wish(fleet, layer, fleet.now + wait, layers_of(fleet, zone_of(layer.layer)))
  end
  return 'ok'
end

local function retry_layer(fleet, asked)
  local layer = layer_of(fleet, asked.layer)
  if not layer or layer.state ~= 'Quarantined' then return end
  layer.failures = 0
  layer.crash = nil
  layer.claimDeaths = 0
  layer.avoid = nil
  put_layer(fleet, layer)
  if is_barred(fleet, layer.layer) then sleep(fleet, layer) else place(fleet, layer) end
end
