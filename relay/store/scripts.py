"""The Lua that runs inside Redis: what must happen at once, or not at all.

The lease says who may write, until when. The token of whoever took it last also stands in the head:
a writer that was stopped, and comes back after others have written, holds neither.

Anybody who reaches Redis can write to our keys. So nothing that is read from one is taken for granted:
a key of another type is deleted, and a field that does not fit makes all that is held lost.
"""

#: Milliseconds since a standby asked for the lease, after which it is no standby any more.
_STANDBY_MILLISECONDS = 2_000
#: Milliseconds that a lease or a request to write anew may have left: ours have less.
_EXPIRY_MILLISECONDS = 60_000

#: Deletes a key that is not of this type, or does not expire though ours would.
_OURS = """
local function keep_if(key, kind)
    local found = redis.call('TYPE', key).ok
    if found ~= kind and found ~= 'none' then redis.call('UNLINK', key) end
end
local function keep_if_it_expires(key)
    keep_if(key, 'string')
    local left = redis.call('PTTL', key)
    if left == -1 or left > %(expiry)d then redis.call('UNLINK', key) end
end
"""

#: KEYS lease, head, standbys; ARGV token, lease in milliseconds, name: what all our tokens begin with.
#: Answers the holder's token: ours if we may write now.
_TAKE_LEASE = """
keep_if_it_expires(KEYS[1])
keep_if(KEYS[2], 'hash')
keep_if(KEYS[3], 'zset')
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[3]) ~= ARGV[3] then
    local now = redis.call('TIME')
    redis.call('ZADD', KEYS[3], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[3])
    return holder
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], 'writer', ARGV[1], 'number', 0)
redis.call('ZREM', KEYS[3], ARGV[3])
return ARGV[1]
"""

#: KEYS head, base, log; ARGV the bytes that base and log may have each.
#: Answers what is wrong with them, or nothing; epoch, version, feed, server; the base; the rows of
#: the log. Writes nothing.
LOAD = """
local head, base, rows, most = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1])
for i, kind in ipairs({'hash', 'string', 'list'}) do
    local found = redis.call('TYPE', KEYS[i]).ok
    if found ~= kind and found ~= 'none' then return {KEYS[i] .. ' is a ' .. found} end
end
for _, field in ipairs({'epoch', 'version', 'feed', 'server'}) do
    if redis.call('HSTRLEN', head, field) > 65536 then return {head .. ' is too large'} end
end
if redis.call('STRLEN', base) > most then return {base .. ' is too large'} end
-- A user who may not ask for it has to trust the log.
local size = redis.pcall('MEMORY', 'USAGE', rows, 'SAMPLES', '0')
if type(size) == 'number' and size > most then return {rows .. ' is too large'} end
local known = redis.call('HMGET', head, 'epoch', 'version', 'feed', 'server')
return {'', known[1], known[2], known[3], known[4], redis.call('GET', base),
    redis.call('LRANGE', rows, 0, -1)}
"""

#: Whether anybody can hear what is published on a channel: a subscriber here, by name or by pattern, or
#: one of another server that gets it from here, which is not known.
_CAN_BE_HEARD = """
local function can_be_heard(channel)
    if redis.call('PUBSUB', 'NUMSUB', channel)[2] > 0 or redis.call('PUBSUB', 'NUMPAT') > 0 then
        return true
    end
    local replication, cluster = redis.pcall('INFO', 'replication'), redis.pcall('INFO', 'cluster')
    return type(replication) ~= 'string' or type(cluster) ~= 'string'
        or not string.find(replication, 'connected_slaves:0', 1, true)
        or not string.find(cluster, 'cluster_enabled:0', 1, true)
end
"""

#: KEYS lease, head, standbys, prices, base, log, lost; ARGV token, lease in milliseconds, number, epoch,
#: previous, version, feed as JSON, the public changes as MessagePack, the batch as MessagePack, server.
#: The changes are two arrays: symbols and prices in turn, and symbols that are gone. `number` counts
#: the writer's batches: one that comes late, or again, does nothing.
#: Answers a word, and how many stand by or who holds the lease.
_WRITE = """
local token, epoch, previous, version = ARGV[1], ARGV[4], ARGV[5], ARGV[6]
keep_if_it_expires(KEYS[1])
keep_if_it_expires(KEYS[7])
for i, kind in ipairs({'', 'hash', 'zset', 'hash', 'string', 'list'}) do
    if i > 1 then keep_if(KEYS[i], kind) end
end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= token then return {'held', holder} end
local head = redis.call('HMGET', KEYS[2], 'writer', 'number', 'epoch', 'version',
    'size', 'based', 'logged')
if head[1] and head[1] ~= token then return {'held', head[1]} end
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - %(standby)d)
redis.call('ZREMRANGEBYSCORE', KEYS[3], now + %(standby)d, '+inf')
local standbys = redis.call('ZCARD', KEYS[3])
if head[1] then
    local newest, number = tonumber(head[2]), tonumber(ARGV[3])
    if newest == number and head[3] == epoch and head[4] == version then
        return {'known', standbys}
    end
    -- Late, and nobody waits for the answer; or not our number, which goes when the lease is taken.
    if not newest or not (newest < number) then return {'held', 'a number that is not ours'} end
end
if previous == '0' then
    redis.call('UNLINK', KEYS[4], KEYS[5], KEYS[6])
elseif head[3] ~= epoch or head[4] ~= previous
    -- Of another version of this script; or evicted, deleted or added to by somebody else.
    or not tonumber(head[5])
    or redis.call('HLEN', KEYS[4]) < tonumber(head[5])
    or redis.call('EXISTS', KEYS[5]) ~= tonumber(head[6])
    or redis.call('LLEN', KEYS[6]) ~= tonumber(head[7])
    or redis.call('GET', KEYS[7]) == epoch then
    return {'lost', standbys}
end
local public = cmsgpack.unpack(ARGV[8])
local prices, gone = public[1], public[2]
-- Lua's stack holds 8,000 values.
for i = 1, #prices, 6000 do
    redis.call('HSET', KEYS[4], unpack(prices, i, math.min(i + 5999, #prices)))
end
for _, symbol in ipairs(gone) do redis.call('HDEL', KEYS[4], symbol) end
if version ~= previous then redis.call('RPUSH', KEYS[6], ARGV[9]) end
-- Last, so that a batch which failed half-way is not taken for known when it comes again.
redis.call('HSET', KEYS[2], 'writer', token, 'number', ARGV[3], 'server', ARGV[10],
    'epoch', epoch, 'version', version, 'feed', ARGV[7], 'size', redis.call('HLEN', KEYS[4]),
    'based', redis.call('EXISTS', KEYS[5]), 'logged', redis.call('LLEN', KEYS[6]))
redis.call('PUBLISH', '%(batches)s', ARGV[9])
-- A few are published sooner than it takes to find out.
if #prices < 100 or can_be_heard('%(updates)s') then
    for i = 1, #prices, 2 do
        redis.call('PUBLISH', '%(updates)s',
            '{"symbol":"' .. prices[i] .. '","price":"' .. prices[i + 1] .. '"}')
    end
end
return {'written', standbys}
"""

#: KEYS lease, head, base, log; ARGV token, epoch, version, the Snapshot as MessagePack. Replaces the log
#: by what it amounts to, unless somebody has written since.
COMPACT = """
local head = redis.call('HMGET', KEYS[2], 'writer', 'epoch', 'version')
if head[1] == ARGV[1] and head[2] == ARGV[2] and head[3] == ARGV[3] then
    redis.call('SET', KEYS[3], ARGV[4])
    redis.call('UNLINK', KEYS[4])
    redis.call('HSET', KEYS[2], 'based', 1, 'logged', 0)
end
"""

#: KEYS lease, standbys, head; ARGV token, name. What was sent under the token and comes later is refused.
_RELEASE = """
keep_if_it_expires(KEYS[1])
keep_if(KEYS[2], 'zset')
keep_if(KEYS[3], 'hash')
redis.call('ZREM', KEYS[2], ARGV[2])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
if redis.call('HGET', KEYS[3], 'writer') == ARGV[1] then
    redis.call('HSET', KEYS[3], 'writer', 'nobody')
end
"""

OURS = _OURS % {"expiry": _EXPIRY_MILLISECONDS}
TAKE_LEASE = OURS + _TAKE_LEASE
RELEASE = OURS + _RELEASE


def write_script(updates: str, batches: str) -> str:
    """The script that writes a batch, for these channels."""
    names = {"updates": updates, "batches": batches, "standby": _STANDBY_MILLISECONDS}
    return OURS + _CAN_BE_HEARD + _WRITE % names
