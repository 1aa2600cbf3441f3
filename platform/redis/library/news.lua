-- What changed since a position in a stream of changes, for those who keep a copy. platform/memory/news.ts is the same in TypeScript.

-- With more changes than this everything is answered.
local NEWS_LIMIT = 1000

local function field_of(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
  return nil
end

-- The entries after `since`; nil when some of them may be lost (trimmed, flushed) or are too many.
local function entries_after(stream, since)
  if since == nil or not since:match('^%d+%-%d+$') then return nil end
  local entries = redis.call('XRANGE', stream, since, '+', 'COUNT', NEWS_LIMIT + 1)
  if #entries == 0 or #entries > NEWS_LIMIT or entries[1][1] ~= since then return nil end
  table.remove(entries, 1)
  return entries
end

local function position_of(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or ''
end

-- keys: settings, clock, changes. args: since. Everything: position, settings. Else: position, false, and zones with their settings, false for none.
local function zone_news(keys, args)
  local entries = entries_after(keys[3], args[1])
  if not entries then return { position_of(keys[3]), redis.call('HVALS', keys[1]) } end
  local known, answer, position = {}, {}, args[1]
  for _, entry in ipairs(entries) do
    local zone = field_of(entry[2], 'id')
    position = entry[1]
    if not known[zone] then
      known[zone] = true
      table.insert(answer, zone)
      table.insert(answer, redis.call('HGET', keys[1], zone))
    end
  end
  return { position, false, answer }
end

-- A host's endpoints are part of what is said of its layers.
local function changed_layers(fleet, entries)
  local known, ids = {}, {}
  local function add(id)
    if known[id] then return end
    known[id] = true
    table.insert(ids, id)
  end
  for _, entry in ipairs(entries) do
    local id = field_of(entry[2], 'id')
    if field_of(entry[2], 'kind') == 'layer' then
      add(id)
    else
      for _, member in ipairs(redis.call('ZRANGEBYLEX', fleet.key.held, '[' .. id .. '|', '(' .. id .. '}')) do add(member:sub(#id + 2)) end
    end
  end
  return ids
end

-- Hosts and bars, as fleet_view answers them.
local function hosts_and_bars(fleet)
  return { fleet.now, fleet.grace_until, redis.call('HVALS', fleet.key.hosts), redis.call('HKEYS', fleet.key.bars) }
end

-- Position, players, then everything as fleet_view answers it, or false, and the changed layers with what get_layer answers; at last hosts and bars, or false.
local function fleet_news(fleet, asked)
  local key = fleet.key
  local players = asked.counts and redis.call('HGETALL', key.players) or {}
  local hosts = asked.hosts and hosts_and_bars(fleet) or false
  local entries = entries_after(key.changes, asked.since)
  if not entries then return { position_of(key.changes), players, fleet_records(fleet), {}, hosts } end
  local position, answer = asked.since, {}
  if #entries > 0 then position = entries[#entries][1] end
  for _, id in ipairs(changed_layers(fleet, entries)) do
    table.insert(answer, id)
    table.insert(answer, cjson.encode(layer_answer(fleet, id, is_barred(fleet, id))))
  end
  return { position, players, false, answer, hosts }
end
