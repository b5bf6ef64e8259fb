"""The Lua of the archive. As in scripts.py, nothing that stands under a key is taken for granted.

Only the holder of the lease writes. Every value that is written expires.
"""

from relay.store import scripts

#: KEYS of the values; ARGV the bytes that a value may have, the bytes after which no further one is read.
#: Answers the first so many values, at least one; false where there is none, or none of ours.
READ = """
local most, left, found = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i, key in ipairs(KEYS) do
    local size = redis.pcall('STRLEN', key)
    local value = false
    if type(size) == 'number' and size > 0 and size <= most then
        left = left - size
        if i > 1 and left < 0 then return found end
        value = redis.call('GET', key)
    end
    found[i] = value
end
return found
"""

#: KEYS head first; ARGV token first. Answers the holder's token where that is another one.
_WRITER_ONLY = """
local writer = redis.call('HGET', KEYS[1], 'writer')
if writer ~= ARGV[1] then return writer or 'nobody' end
"""

#: KEYS head, values; ARGV token, and for each value offset, data and seconds. Answers the numbers of those
#: that were put as a whole, and were left as they are.
#: SETRANGE fills up with zeros, therefore the first byte is written as well.
PATCH = (
    _WRITER_ONLY
    + """
local whole = {}
for i = 2, #KEYS do
    local key, at = KEYS[i], 3 * i - 4
    local mark = redis.pcall('GETRANGE', key, 0, 0)
    if type(mark) ~= 'string' then
        redis.call('UNLINK', key)
        mark = ''
    end
    if mark == '' then redis.call('SETRANGE', key, 0, 'R') end
    if mark == '' or mark == 'R' then
        redis.call('SETRANGE', key, ARGV[at], ARGV[at + 1])
        redis.call('EXPIRE', key, ARGV[at + 2])
    else
        whole[#whole + 1] = i - 2
    end
end
return whole
"""
)

#: Whether so little memory is left that prices need it. Without maxmemory, or the right to ask, it is not.
_IS_NEARLY_FULL = """
local function is_nearly_full()
    local memory = redis.pcall('INFO', 'memory')
    if type(memory) ~= 'string' then return false end
    local used = tonumber(string.match(memory, 'used_memory:(%d+)'))
    local most = tonumber(string.match(memory, 'maxmemory:(%d+)'))
    return used and most and most > 0 and used > 0.8 * most
end
"""

#: KEYS head, value, order; ARGV token, value, seconds, the number of values that the family may have or 0,
#: name, what keys of values begin with. Answers an error where it would take the memory that prices need;
#: then a tenth of the family goes, the oldest first, so that there is room again.
PUT = (
    scripts.OURS
    + _IS_NEARLY_FULL
    + _WRITER_ONLY
    + """
local key, order, seconds, most = KEYS[2], KEYS[3], tonumber(ARGV[3]), tonumber(ARGV[4])
if most == 0 then
    redis.call('SET', key, ARGV[2], 'EX', seconds)
    return
end
local function drop_oldest(count)
    for i = 1, count do redis.call('UNLINK', ARGV[6] .. redis.call('ZPOPMIN', order)[1]) end
end
keep_if(order, 'zset')
-- Somebody else filled it. What it named expires by itself.
if redis.call('ZCARD', order) > 2 * most + 1000 then redis.call('UNLINK', order) end
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
-- Else what claims to be of the future would never go.
redis.call('ZREMRANGEBYSCORE', order, now, '+inf')
if is_nearly_full() then
    drop_oldest(math.ceil(redis.call('ZCARD', order) / 10))
    return redis.error_reply("ERR pages may not use the last fifth of Redis's memory")
end
redis.call('SET', key, ARGV[2], 'EX', seconds)
redis.call('ZADD', order, now, ARGV[5])
if redis.call('TTL', order) < seconds then redis.call('EXPIRE', order, seconds) end
drop_oldest(math.min(redis.call('ZCARD', order) - most, 100))
"""
)
