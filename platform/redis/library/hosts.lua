-- What hosts say of themselves. platform/memory/hosts.ts is the same in TypeScript.

-- The host lives: a death verdict is taken back. A host that left stays so, and is forgotten in time.
local function hear(fleet, host)
  if not fleet.heard then
    fleet.heard = true
    redis.call('HSET', fleet.key.clock, 'heard', '1')
  end
  if host.dead then host_changed(fleet, host) end
  host.lastSeen = fleet.now
  host.dead = false
  host.removed = false
  host.suspected = nil
  if host.state ~= 'Leaving' then host.forgetAt = nil end
  put_host(fleet, host)
end

-- Writes what the layer's host reports. Player counts alone are no change to tell.
local function progress(fleet, host, layer, report)
  local told = layer.state ~= report.state or report.epoch > layer.epoch or layer.dataSafe ~= report.dataSafe
  if layer.state ~= report.state then
    local since = layer.state == 'Assigned' and layer.assignedAt or fleet.now
    layer.deadline = nil
    if report.state == 'Claiming' then layer.deadline = since + fleet.rules.claimLimit end
    enter(fleet, layer, report.state)
  end
  layer.epoch = math.max(layer.epoch, report.epoch)
  host.players = host.players + report.players - layer.players
  local counted = layer.players ~= report.players
  layer.players = report.players
  layer.dataSafe = report.dataSafe
  if report.state == 'Serving' then
    layer.failure = nil
    layer.failures = 0
    layer.claimDeaths = 0
    layer.avoid = nil
    if not layer.close then stop_moving(fleet, layer) end
  end
  if told or counted then
    put_host(fleet, host)
    put_layer(fleet, layer)
  end
  if told then tell(fleet, 'layer', layer.layer, layer.host, layer.state) end
end

local function adopt(fleet, host, report)
  local unknown = layer_of(fleet, report.layer) == nil
  local layer = layer_record(fleet, report.layer)
  local bar = bar_of(fleet, zone_of(report.layer))
  local wanted = layer.wished or layer.state == 'Wished'
  release(fleet, layer)
  layer.generation = report.generation
  layer.ended = false
  stop_moving(fleet, layer)
  layer.close = bar and bar.reason or nil
  layer.wished = wanted and not bar and (host.state == 'Draining' or report.state == 'Closing')
  layer.state = 'Assigned'
  layer.since = fleet.now
  layer.assignedAt = fleet.now
  occupy(fleet, layer, host)
  -- It was open before the index knew of it: no layer that opens, and no more of them are coming.
  if unknown then count_flow(demand_of(fleet), fleet, -1) end
  progress(fleet, host, layer, report)
end

local function take_report(fleet, host, report)
  local layer = layer_of(fleet, report.layer)
  if layer and layer.host == host.name and layer.generation == report.generation then
    if is_news(layer, report) then progress(fleet, host, layer, report) end
    return
  end
  local holder = layer and layer.host ~= host.name and host_of(fleet, layer.host) or nil
  local other_holder_lives = holder ~= nil and not is_dead(holder, fleet)
  if is_adoptable(report, layer, host, other_holder_lives, is_barred(fleet, report.layer)) then adopt(fleet, host, report) end
end

local function new_host(fleet, registration)
  local host = {
    state = 'Ready', dead = false, removed = false, outdated = false, bornAt = fleet.now, lastSeen = fleet.now, emptySince = fleet.now,
    layers = 0, players = 0, reserved = 0, cpu = 0, lateness = 0, counted = false
  }
  -- A slot is a slot, whatever process has it.
  local old = host_of(fleet, registration.name)
  if old then host.reserved = old.reserved or 0 end
  for field, value in pairs(registration) do host[field] = value end
  return host
end

-- For how long (ms) the first in the queue has waited.
local function first_waited(fleet)
  local first = redis.call('ZRANGE', fleet.key.wishes, 0, 0)[1]
  return first and fleet.now - layer_record(fleet, first).since or nil
end

-- A game server is about to be a host. Of too many the oldest are forgotten; so is who was announced too long ago.
local function announce_host(fleet, asked)
  local demand, rules = demand_of(fleet), fleet.rules
  local newborn = {}
  for name, since in pairs(demand.newborn or {}) do
    if name ~= asked.host and fleet.now - since < rules.newbornCounted then table.insert(newborn, { name = name, since = since }) end
  end
  table.sort(newborn, function(a, b) return a.since > b.since or (a.since == b.since and a.name < b.name) end)
  demand.newborn = { [asked.host] = fleet.now }
  for i = 1, math.min(#newborn, rules.newbornMax - 1) do demand.newborn[newborn[i].name] = newborn[i].since end
  put_demand(fleet)
end

local function forget_newborn(fleet, name)
  local demand = demand_of(fleet)
  if not demand.newborn or not demand.newborn[name] then return end
  demand.newborn[name] = nil
  put_demand(fleet)
end

local function register_host(fleet, asked)
  local registration = asked.host
  local old = host_of(fleet, registration.name)
  local same = old ~= nil and old.incarnation == registration.incarnation
  local orphans = {}
  local host
  if same then
    host = old
    for field, value in pairs(registration) do host[field] = value end
  else
    -- Their slots die with the old process; a new one may be chosen for them, on this host too.
    if old then orphans = held_by(fleet, old.name) end
    for _, layer in ipairs(orphans) do
      release(fleet, layer)
      stop_moving(fleet, layer)
    end
    host = new_host(fleet, registration)
  end
  redis.call('HSET', fleet.key.clock, 'capacity', host.capacity)
  hear(fleet, host)
  host_changed(fleet, host)
  if not same then
    count_birth(demand_of(fleet), fleet, first_waited(fleet))
    put_demand(fleet)
  end
  forget_newborn(fleet, registration.name)
  for _, report in ipairs(asked.serving) do take_report(fleet, host, report) end
  for _, layer in ipairs(orphans) do
    if not layer.host then resettle(fleet, layer, 'dead', 'host ' .. host.name .. ' was replaced') end
  end
  place_wishes(fleet, fleet.rules.sweepLimit)
end

local function known_host(fleet, name, incarnation)
  local host = host_of(fleet, name)
  if host and host.incarnation == incarnation and not host.removed then return host end
  return nil
end

local function may_leave(host)
  return host.state == 'Leaving' or (host.layers == 0 and (host.state == 'Draining' or (host.state == 'Retiring' and host.counted)))
end

local function heartbeat(fleet, beat)
  local host = known_host(fleet, beat.host, beat.incarnation)
  if not host then return { known = false, state = 'Dead', layers = {}, mayLeave = false } end
  local could = is_placeable(host, fleet.rules) and is_fresh(host, fleet)
  hear(fleet, host)
  if beat.load then
    host.cpu = beat.load.cpu
    host.lateness = beat.load.lateness
  end
  if host.outdated ~= beat.outdated then
    host.outdated = beat.outdated
    host.outdatedAt = beat.outdated and fleet.now or nil
    if beat.outdated then refuse_moves(fleet, host) end
    host_changed(fleet, host)
  end
  for _, report in ipairs(beat.layers) do take_report(fleet, host, report) end
  drain_on(fleet, host)
  if not could and is_placeable(host, fleet.rules) then place_wishes(fleet, fleet.rules.sweepLimit) end
  local layers = {}
  for i, layer in ipairs(held_by(fleet, host.name)) do
    layers[i] = { layer = layer.layer, generation = layer.generation, closeRequested = layer.close }
  end
  return { known = true, state = host.state, layers = layers, mayLeave = may_leave(host) }
end

local function leave_host(fleet, asked)
  local host = known_host(fleet, asked.host, asked.incarnation)
  if not host or not may_leave(host) then return false end
  if host.state == 'Leaving' then return true end
  host.state = 'Leaving'
  host.leftAt = fleet.now
  host.forgetAt = fleet.now + fleet.rules.leavingCounted
  put_host(fleet, host)
  host_changed(fleet, host)
  return true
end

-- The death verdict is recorded: the host is not placeable, and forgotten in time. Its layers are taken back by the caller.
local function bury(fleet, host)
  host.dead = true
  refuse_moves(fleet, host)
  host.forgetAt = fleet.now + fleet.rules.hostForgottenAfter
  put_host(fleet, host)
  host_changed(fleet, host)
end

-- As if it had been silent for so much longer. Its next heartbeat says that it lives.
local function suspect_host(fleet, asked)
  local host = host_of(fleet, asked.host)
  if not host or host.dead or host.state == 'Leaving' then return nil end
  if not host.suspected then
    host.suspected = true
    host.lastSeen = host.lastSeen - (fleet.rules.hostDeadAfter - fleet.rules.suspectDeadAfter)
    put_host(fleet, host)
  end
  return math.max(0, math.max(host.lastSeen + fleet.rules.hostDeadAfter + 1, fleet.grace_until) - fleet.now)
end

local function remove_host(fleet, asked)
  if not asked.incarnation then forget_newborn(fleet, asked.host) end
  local host = host_of(fleet, asked.host)
  if not host or host.removed or (asked.incarnation and host.incarnation ~= asked.incarnation) then return end
  host.removed = true
  bury(fleet, host)
  for _, layer in ipairs(held_by(fleet, host.name)) do
    resettle(fleet, layer, 'dead', 'the pod of host ' .. host.name .. ' is gone')
  end
end

local function forget_host(fleet, name)
  fleet.hosts[name] = false
  fleet.dirty_hosts[name] = nil
  redis.call('HDEL', fleet.key.hosts, name)
  redis.call('ZREM', fleet.key.room, name)
  redis.call('ZREM', fleet.key.seen, name)
  redis.call('ZREM', fleet.key.forget, 'host|' .. name)
  tell(fleet, 'host', name, name)
end
