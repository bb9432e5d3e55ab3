-- ARGV[3], ARGV[4]: how long, and the value. Stored if the lease holds.
if not born then
  return 0
end
local stored = redis.call('GET', key)
if stored and string.sub(stored, 1, 1) == 'L' and alive(stored) and string.sub(stored, 31) == ARGV[2] then
  store('V', tonumber(ARGV[3]), ARGV[4])
  return 1
end
return 0
