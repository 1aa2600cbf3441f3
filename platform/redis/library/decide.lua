-- The decisions of the zone index, without its data: platform/memory/decide.ts says the same in TypeScript, function for function, with the reasons.

local function grace_after(now, last_call, heard, rules)
  if last_call and now - last_call > rules.clockJump and heard then return now + rules.grace end
  return nil
end

local function is_fresh(host, fleet)
  return not host.dead and fleet.now - host.lastSeen <= fleet.rules.hostDeadAfter
end

local function is_warm(host, fleet)
  return fleet.now - (host.bornAt or 0) >= fleet.rules.hostWarmAfter
end

local function is_dead(host, fleet)
  return host.dead or (fleet.now >= fleet.grace_until and fleet.now - host.lastSeen > fleet.rules.hostDeadAfter)
end

local function is_full(host, rules)
  return host.players >= rules.hostPlayersFull or (host.cpu or 0) >= rules.hostCpuFull or (host.lateness or 0) >= rules.hostLateFull
end

local function is_placeable(host, rules)
  return (host.state == 'Ready' or host.state == 'Retiring') and not host.dead and not host.outdated
    and host.layers + (host.reserved or 0) < host.capacity and not is_full(host, rules)
end

-- comparePlaces as a number, for a sorted set whose equal members lie by name: Ready before Retiring, then the most layers, then the fewest players.
local function place_score(host)
  local retiring = host.state == 'Retiring' and 1e13 or 0
  return retiring + (99999 - math.min(host.layers + (host.reserved or 0), 99999)) * 1e7 + math.min(host.players, 9999999)
end

local function claim_is_late(layer, fleet)
  return layer.deadline ~= nil and fleet.now > layer.deadline and fleet.now >= fleet.grace_until
end

local RANK = { Assigned = 0, Claiming = 1, Serving = 2, Closing = 3 }

local function is_news(layer, report)
  if layer.state == 'Asleep' or layer.state == 'Wished' or layer.state == 'Quarantined' then return false end
  if layer.state == 'Assigned' and report.state == 'Claiming' then return true end
  if report.epoch ~= layer.epoch then return report.epoch > layer.epoch end
  return RANK[report.state] >= RANK[layer.state]
end

local function is_adoptable(report, layer, host, other_holder_lives, barred)
  if host.state == 'Leaving' then return false end
  if not layer then return not barred and host.layers < host.capacity end
  if report.generation < layer.generation or (report.generation == layer.generation and layer.ended) then return false end
  if other_holder_lives then
    if report.epoch <= layer.epoch then return false end
  elseif report.epoch < layer.epoch then
    return false
  end
  return layer.host == host.name or host.layers < host.capacity
end

local function wants_place(layer, loss, barred)
  if barred then return false end
  if layer.wished then return true end
  if layer.close and layer.close ~= 'Drain' then return false end
  return not (layer.state == 'Closing' and loss == 'dead')
end

local function moves_at_once(layers, left, rules)
  if not left then return 1 end
  if left <= 0 then return layers end
  return math.max(1, math.ceil(layers * rules.drainMoveExpected / left))
end

local function is_rushed(left, rules)
  return left ~= nil and left <= rules.drainRoomReserve
end

local function outdated_at_once(hosts, rules)
  return math.max(1, math.floor(hosts * rules.outdatedShare / 100))
end

local function crashes_in_row(before, crash, fleet)
  local same = before ~= nil and before.replayed == crash.replayed and (not crash.replayed or before.tick == crash.tick)
  if same and fleet.now - before.at <= fleet.rules.crashForgottenAfter then return before.count + 1 end
  return 1
end

local function wait_after_failures(failures, rules)
  if failures < 2 then return 0 end
  return math.min(rules.failedLayerWaitMax, rules.failedLayerWaitMin * 2 ^ math.min(failures - 2, 20))
end
