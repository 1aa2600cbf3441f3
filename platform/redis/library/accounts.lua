-- Accounts that are kept out of all layers. platform/memory/account-bars.ts is the same in TypeScript.
-- keys: until when (ms), by account; a number that another one follows with each change, and never again after a flush.

local function bars_changed(keys, now)
  redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', string.format('%d', now))
  local number = math.max(tonumber(redis.call('GET', keys[2]) or 0) + 1, now)
  redis.call('SET', keys[2], string.format('%d', number))
end

-- args: account, for how long (ms), how many there may be.
local function bar_account(keys, args)
  local now = read_time()
  redis.call('ZADD', keys[1], string.format('%d', now + tonumber(args[2])), args[1])
  bars_changed(keys, now)
  redis.call('ZREMRANGEBYRANK', keys[1], 0, -1 - tonumber(args[3]))
end

-- args: account.
local function unbar_account(keys, args)
  if redis.call('ZREM', keys[1], args[1]) == 1 then bars_changed(keys, read_time()) end
end

-- args: the number of an earlier answer. The number; when it is another one, then also each account and for how much longer (ms).
local function account_bars(keys, args)
  local number = redis.call('GET', keys[2]) or '0'
  if number == args[1] then return { number } end
  local now = read_time()
  local answer = {}
  local members = redis.call('ZRANGEBYSCORE', keys[1], string.format('(%d', now), '+inf', 'WITHSCORES')
  for i = 1, #members, 2 do
    table.insert(answer, members[i])
    table.insert(answer, string.format('%d', tonumber(members[i + 1]) - now))
  end
  return { number, answer }
end
