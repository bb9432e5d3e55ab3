-- The stored value with its head, 1 and a lease, or 0: busy.
if not born then
  begin()
  return 0
end
local writers = standing(list)
if #writers > 0 then
  return 0
end
local stored = redis.call('GET', key)
if stored and alive(stored) then
  if string.sub(stored, 1, 1) == 'V' then
    return stored
  end
  return 0
end
if born > now then
  -- The clock went back.
  born = now
  redis.call('HSET', guard, 'b', stamp(born))
end
if now - born < TOMBSTONE then
  return 0
end
store('L', LEASE, ARGV[2])
redis.call('PEXPIRE', guard, GUARD)
return 1
