-- What a fleet was asked for lately, and how fast it grows. platform/memory/demand.ts is the same in TypeScript, with the reasons.

local SAMPLES = 16
local BIRTHS = 16

local function new_demand()
  return { flow = {}, used = {}, strays = {}, births = {} }
end

-- A list of { at, value }: the newest is added to by `merge` while it is younger than a SAMPLES-th of the window; what is older than the window goes.
local function add_sample(samples, now, window, value, merge)
  local kept = {}
  for _, sample in ipairs(samples) do
    if now - sample.at < window then table.insert(kept, sample) end
  end
  local newest = kept[#kept]
  if newest and now - newest.at < math.floor(window / SAMPLES) then
    newest.value = merge(newest.value, value)
  else
    table.insert(kept, { at = now, value = value })
  end
  return kept
end

local function plus(a, b) return a + b end

local function count_flow(demand, fleet, layers)
  demand.flow = add_sample(demand.flow, fleet.now, fleet.rules.flowWindow, layers, plus)
end

local function pod_start(demand, rules)
  return demand.start or rules.podStartGuess
end

-- Layers more than now, one pod start later, if it goes on as it did; less what may be chance.
local function layers_coming(demand, fleet)
  local net = 0
  for _, sample in ipairs(demand.flow) do
    if fleet.now - sample.at < fleet.rules.flowWindow then net = net + sample.value end
  end
  if net <= 0 then return 0 end
  return math.floor((net - math.sqrt(net)) * pod_start(demand, fleet.rules) / fleet.rules.flowWindow)
end

-- The highest use of the window, this one included.
local function peak_use(demand, now, window, used)
  demand.used = add_sample(demand.used, now, window, used, math.max)
  local peak = used
  for _, sample in ipairs(demand.used) do peak = math.max(peak, sample.value) end
  return peak
end

-- The lowest count of the window, once it is known for that long.
local function lasting_strays(demand, fleet, strays)
  local window = fleet.rules.strayAfter
  demand.strays = add_sample(demand.strays, fleet.now, window, strays, math.min)
  local lowest = strays
  for _, sample in ipairs(demand.strays) do lowest = math.min(lowest, sample.value) end
  if strays == 0 then
    demand.straySince = nil
  elseif not demand.straySince then
    demand.straySince = fleet.now
  end
  if not demand.straySince or fleet.now - demand.straySince < window then return 0 end
  return lowest
end

-- Hosts that Agones may not have counted yet.
local function count_born(demand, fleet)
  local count = 0
  for _, at in ipairs(demand.births) do
    if fleet.now - at < fleet.rules.countedWithin then count = count + 1 end
  end
  return count
end

-- Those that were announced lately and are no hosts yet; others are forgotten.
local function count_newborn(demand, fleet)
  local kept, count = {}, 0
  for name, since in pairs(demand.newborn or {}) do
    if fleet.now - since < fleet.rules.newbornCounted then kept[name], count = since, count + 1 end
  end
  demand.newborn = kept
  return count
end

-- A host was born; `waited`: for how long (ms) the first in the queue had, if there is one.
local function count_birth(demand, fleet, waited)
  table.insert(demand.births, fleet.now)
  if #demand.births > BIRTHS then table.remove(demand.births, 1) end
  local rules = fleet.rules
  if not waited or waited < rules.podStartMin or waited > rules.podStartMax then return end
  demand.start = math.floor((pod_start(demand, rules) * 3 + waited) / 4)
end
