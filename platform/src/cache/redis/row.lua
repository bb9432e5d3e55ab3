-- What the scripts about one row share.
-- KEYS: the row's key, its guard. ARGV[1]: the time in milliseconds, or nothing for the server's.
-- ARGV[2]: sixteen random bytes: the lease to grant, or the writer.
--
-- The row's key holds 'V' or 'L', until when (13 digits), the generation, then the value or the lease.
-- The guard is a hash: b when it was born, g its generation, s at how many fields it is swept, and for
-- each row that is written ':' and its key: 'm' (mixed) or '-', the generation, then for each writer its
-- name and until when.
local key, guard = KEYS[1], KEYS[2]
local field = ':' .. key
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local found = redis.call('HMGET', guard, 'b', 'g', field)
local born, generation, list = tonumber(found[1] or nil), found[2], found[3]

local function stamp(time)
  return string.format('%013.0f', time)
end

-- The guard is new, or was lost with all that was in it.
local function begin()
  born, generation, list = now, ARGV[2], false
  redis.call('HSET', guard, 'b', stamp(born), 'g', generation)
  redis.call('PEXPIRE', guard, GUARD)
end

-- The writers that stand on a row, and whether they are mixed.
local function standing(list)
  local writers, mixed = {}, false
  if list then
    for at = 18, #list, 29 do
      if tonumber(string.sub(list, at + 16, at + 28)) > now then
        writers[#writers + 1] = string.sub(list, at, at + 28)
      end
    end
    if #writers > 0 then
      mixed = string.sub(list, 1, 1) == 'm' or string.sub(list, 2, 17) ~= generation
    end
  end
  return writers, mixed
end

local function keep(writers, mixed)
  if #writers == 0 then
    redis.call('HDEL', guard, field)
  else
    redis.call('HSET', guard, field, (mixed and 'm' or '-') .. generation .. table.concat(writers))
  end
end

local function own(writers)
  for at, writer in ipairs(writers) do
    if string.sub(writer, 1, 16) == ARGV[2] then
      return at
    end
  end
end

-- Whether what is stored was stored in this generation and is not over.
local function alive(stored)
  return string.sub(stored, 15, 30) == generation and tonumber(string.sub(stored, 2, 14)) > now
end

local function store(kind, ttl, content)
  redis.call('SET', key, kind .. stamp(now + ttl) .. generation .. content, 'PX', ttl)
end
