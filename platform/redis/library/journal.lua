-- Journal and fence of a layer. platform/memory/journals.ts is the same in TypeScript.
-- keys: fence (a hash: the fence, and what the newest entry was), entries (a stream: an entry's id is its tick).

-- An answer has at most so many bytes of batches (MAX_JOURNAL_READ), and is gathered so many entries at a time.
local READ_BYTES = 4 * 1024 * 1024
local READ_PAGE = 16

local function fence_record(key)
  local found = redis.call('HMGET', key, 'epoch', 'replid', 'tick', 'tick_epoch', 'digest')
  return { epoch = tonumber(found[1] or nil), replid = found[2], tick = tonumber(found[3] or 0), tick_epoch = found[4], digest = found[5] }
end

-- args: epoch and replication id of the caller's fence. The index's own id is read with each call: one that is a moment old may be from before a fail-over.
local function judge(record, args)
  local epoch = tonumber(args[1])
  if not record.epoch or record.epoch < epoch then return 'Forked' end
  if record.epoch > epoch then return 'Fenced' end
  if record.replid ~= args[2] or record.replid ~= replication_id() then return 'Forked' end
  return nil
end

local function set_last(keys, tick, epoch, digest)
  redis.call('HSET', keys[1], 'tick', tick, 'tick_epoch', epoch, 'digest', digest)
end

-- args: epoch.
local function raise_fence(keys, args)
  local record = fence_record(keys[1])
  if record.epoch and record.epoch >= tonumber(args[1]) then return { record.epoch, record.replid, record.tick } end
  local replid = replication_id()
  redis.call('HSET', keys[1], 'epoch', args[1], 'replid', replid)
  redis.call('PERSIST', keys[1])
  return { tonumber(args[1]), replid, record.tick }
end

local function has_fence(keys)
  local record = fence_record(keys[1])
  return record.epoch and record.replid == replication_id() and 1 or 0
end

local function fence_epoch(keys)
  return fence_record(keys[1]).epoch or 0
end

local function read_entry(found)
  local entry = {}
  for i = 1, #found[2], 2 do entry[found[2][i]] = found[2][i + 1] end
  return { tonumber(entry.epoch), tonumber(found[1]:match('^%d+')), tonumber(entry.previous), entry.digest, entry.batch }
end

-- args: the fence, the tick behind which to read, how many at most.
local function read_journal(keys, args)
  local record = fence_record(keys[1])
  local refusal = judge(record, args)
  if refusal then return refusal end
  local entries, bytes, after, limit = {}, 0, args[3], tonumber(args[4])
  while #entries < limit do
    local count = math.min(READ_PAGE, limit - #entries)
    local page = redis.call('XRANGE', keys[2], '(' .. after .. '-0', '+', 'COUNT', count)
    for _, found in ipairs(page) do
      local entry = read_entry(found)
      bytes = bytes + #entry[5]
      if #entries > 0 and bytes > READ_BYTES then return { record.tick, entries } end
      table.insert(entries, entry)
      after = string.format('%d', entry[2])
    end
    if #page < count then break end
  end
  return { record.tick, entries }
end

-- args: the fence, the tick.
local function start_journal(keys, args)
  local record = fence_record(keys[1])
  local refusal = judge(record, args)
  if refusal then return refusal end
  local tick = tonumber(args[3])
  if record.tick > tick then return 'Ahead' end
  if record.tick < tick then
    redis.call('XTRIM', keys[2], 'MAXLEN', 0)
    set_last(keys, args[3], args[1], '')
  end
  return 'Done'
end

-- args: the fence, the tick, the tick before it, the digest, the batch.
local function append_journal(keys, args)
  local record = fence_record(keys[1])
  local refusal = judge(record, args)
  if refusal then return refusal end
  local epoch, tick, previous, digest, batch = args[1], args[3], args[4], args[5], args[6]
  if tonumber(tick) == record.tick then
    return record.tick_epoch == epoch and record.digest == digest and 'Done' or 'OutOfSequence'
  end
  if tonumber(tick) < record.tick then
    local found = redis.call('XRANGE', keys[2], tick .. '-0', tick .. '-0')[1]
    local known = found and read_entry(found)
    return known and known[1] == tonumber(epoch) and known[4] == digest and 'Done' or 'OutOfSequence'
  end
  if tonumber(previous) ~= record.tick then return 'OutOfSequence' end
  redis.call('XADD', keys[2], tick .. '-0', 'epoch', epoch, 'previous', previous, 'digest', digest, 'batch', batch)
  set_last(keys, tick, epoch, digest)
  return 'Done'
end

-- args: the fence, the last tick to drop.
local function trim_journal(keys, args)
  local refusal = judge(fence_record(keys[1]), args)
  if refusal then return refusal end
  redis.call('XTRIM', keys[2], 'MINID', '=', string.format('%d-0', tonumber(args[3]) + 1))
  return 'Done'
end

-- args: the epoch that erased the layer, and for how long its fence is remembered. The one key of the index that expires, by this very decision.
local function drop_journal(keys, args)
  local record = fence_record(keys[1])
  local epoch = tonumber(args[1])
  if record.epoch and record.epoch > epoch then return end
  redis.call('DEL', keys[2])
  redis.call('HDEL', keys[1], 'tick', 'tick_epoch', 'digest')
  if record.epoch ~= epoch then redis.call('HSET', keys[1], 'epoch', args[1], 'replid', replication_id()) end
  redis.call('PEXPIRE', keys[1], args[2])
end
