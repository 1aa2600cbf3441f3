-- What the fleet needs. platform/memory/autoscale.ts is the same in TypeScript.

local function is_idle(host)
  return host.state == 'Ready' and not host.outdated and host.layers + (host.reserved or 0) == 0
end

-- A host that left counts as live for a while, however silent, unless its pod is known to be gone.
local function is_counted(fleet, host)
  if host.state ~= 'Leaving' then return not is_dead(host, fleet) end
  return not host.dead and host.leftAt ~= nil and fleet.now < host.leftAt + fleet.rules.leavingCounted
end

local function by_emptiness(a, b)
  local since, after = a.emptySince or 0, b.emptySince or 0
  if since ~= after then return since < after end
  return a.name < b.name
end

local function change_state(fleet, host, state)
  host.state = state
  host.counted = false
  put_host(fleet, host)
  host_changed(fleet, host)
end

local function select(hosts, wanted)
  local selected = {}
  for _, host in ipairs(hosts) do
    if wanted(host) then table.insert(selected, host) end
  end
  return selected
end

-- core/capacity.ts, hostsUsed.
local function hosts_used(counts)
  local capacity = math.max(1, counts.capacity)
  return counts.staying + math.ceil(counts.wishes / capacity) + math.ceil(math.max(0, counts.coming + counts.evacuees - counts.free) / capacity)
end

-- core/capacity.ts, hostsNeeded.
local function hosts_needed(asked, counts)
  local capacity = math.max(1, counts.capacity)
  local evacuated = math.ceil(math.max(0, counts.evacuees - counts.free) / capacity)
  return math.max(counts.peak, counts.staying + math.ceil(counts.wishes / capacity) + evacuated + asked.spare)
end

-- core/capacity.ts, hostsToKeep.
local function hosts_to_keep(asked, counts)
  local ceiling = asked.max + (counts.outdated > 0 and 1 or 0)
  local wanted = math.max(hosts_needed(asked, counts) + counts.draining, asked.min)
  return math.max(0, math.min(wanted, ceiling) - counts.draining - counts.staying)
end

-- The ones empty the longest go first and come back last.
local function retire(fleet, live, keep, empty_after)
  local idle = select(live, is_idle)
  local retiring = select(live, function(host) return host.state == 'Retiring' and not host.outdated end)
  table.sort(idle, by_emptiness)
  table.sort(retiring, by_emptiness)
  for i = #retiring, math.max(1, #retiring - (keep - #idle) + 1), -1 do change_state(fleet, retiring[i], 'Ready') end
  if redis.call('ZCARD', fleet.key.wishes) > 0 then return end
  for i = 1, #idle - keep do
    if fleet.now - (idle[i].emptySince or fleet.now) >= empty_after then change_state(fleet, idle[i], 'Retiring') end
  end
end

-- Free slots of the hosts that are occupied and may be given more.
local function free_slots(fleet, live)
  local free = 0
  for _, host in ipairs(live) do
    local taken = host.layers + (host.reserved or 0)
    if taken > 0 and is_placeable(host, fleet.rules) then free = free + host.capacity - taken end
  end
  return free
end

local function is_occupied(host)
  return host.layers + (host.reserved or 0) > 0
end

local function is_going(host)
  return host.state == 'Draining' or host.state == 'Leaving'
end

-- What drains, and what will next because it is outdated; less what has a slot elsewhere already.
local function count_evacuees(fleet, live)
  local layers, draining, outdated = 0, 0, {}
  for _, host in ipairs(live) do
    layers = layers - (host.reserved or 0)
    if host.state == 'Draining' and host.layers > 0 then
      layers, draining = layers + host.layers, draining + 1
    elseif host.outdated and not is_going(host) then
      table.insert(outdated, host.layers)
    end
  end
  table.sort(outdated, function(a, b) return a > b end)
  for i = 1, math.min(#outdated, outdated_at_once(#live, fleet.rules) - draining) do layers = layers + outdated[i] end
  return math.max(0, layers)
end

local function count_strays(fleet, hosts, live, allocated)
  local unknown = math.max(0, allocated - #live)
  local dead = #select(hosts, function(host) return host.state ~= 'Leaving' and not host.removed and is_dead(host, fleet) end)
  return math.min(unknown, math.max(dead, lasting_strays(demand_of(fleet), fleet, unknown)))
end

local function autoscale(fleet, asked)
  local hosts = all_hosts(fleet)
  local live = select(hosts, function(host) return is_counted(fleet, host) end)
  for _, host in ipairs(live) do
    if host.state == 'Retiring' and not host.counted then
      host.counted = true
      put_host(fleet, host)
    end
  end
  local function count(wanted) return #select(live, wanted) end
  -- A program of an earlier release does not say how many are Allocated.
  local allocated = asked.allocated or #live
  local draining = count(function(host) return host.state == 'Draining' and not host.drainBy and is_occupied(host) end)
  local going = count(is_going) - draining
  -- Other hosts are Allocated for certain; of these it is known by Agones' count how many are still there.
  local leaving = math.max(0, math.min(going, allocated - (#live - going)))
  local strays = count_strays(fleet, hosts, live, allocated)
  local counts = {
    occupied = count(is_occupied),
    staying = count(function(host) return is_occupied(host) and not is_going(host) end),
    draining = draining,
    standing = math.max(#live - going + leaving + strays, allocated + count_born(demand_of(fleet), fleet)) + count_newborn(demand_of(fleet), fleet),
    leaving = leaving,
    evacuees = count_evacuees(fleet, live),
    outdated = count(function(host) return host.state ~= 'Leaving' and (host.outdated or host.state == 'Draining') end),
    live = #live,
    wishes = redis.call('ZCARD', fleet.key.wishes),
    capacity = tonumber(redis.call('HGET', fleet.key.clock, 'capacity') or asked.capacity or 1),
    free = free_slots(fleet, live),
    coming = layers_coming(demand_of(fleet), fleet),
    strays = strays
  }
  counts.peak = peak_use(demand_of(fleet), fleet.now, asked.emptyAfterMs, hosts_used(counts))
  put_demand(fleet)
  retire(fleet, live, hosts_to_keep(asked, counts), asked.emptyAfterMs)
  counts.idle = count(is_idle)
  counts.retiring = count(function(host) return host.state == 'Retiring' end)
  return counts
end
