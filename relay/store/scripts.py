"""The Lua that runs inside Redis: what must happen at once, or not at all.

The lease says who may write, until when. The token of whoever took it last also stands in the head:
a writer that was stopped, and comes back after others have written, holds neither.
"""

#: A standby is counted as long as it has asked within so many milliseconds.
_STANDBY_MILLISECONDS = 2_000

#: KEYS lease, head, standbys; ARGV token, lease in milliseconds, name: what all our tokens begin with.
#: Answers the holder's token: ours if we may write now.
TAKE_LEASE = """
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

#: KEYS lease, head, standbys, prices, base, log; ARGV token, lease in milliseconds, number, epoch,
#: previous, version, feed as JSON, the public changes as MessagePack, the batch as MessagePack, server.
#: The changes are two arrays: symbols and prices in turn, and symbols that are gone. `number` counts
#: the writer's batches: one that comes late, or again, does nothing.
#: Answers a word, and how many stand by or who holds the lease.
WRITE = """
local token, epoch, previous, version = ARGV[1], ARGV[4], ARGV[5], ARGV[6]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= token then return {'held', holder} end
local head = redis.call('HMGET', KEYS[2], 'writer', 'number', 'epoch', 'version',
    'size', 'based', 'logged')
if head[1] and head[1] ~= token then return {'held', head[1]} end
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
local now = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[3], 0, now[1] * 1000 + math.floor(now[2] / 1000) - %(standby)d)
local standbys = redis.call('ZCARD', KEYS[3])
if head[1] and tonumber(head[2]) >= tonumber(ARGV[3]) then return {'known', standbys} end
if previous == '0' then
    redis.call('DEL', KEYS[4], KEYS[5], KEYS[6])
elseif head[3] ~= epoch or head[4] ~= previous
    -- Of another version of this script; or evicted, deleted or added to by somebody else.
    or not head[5]
    or redis.call('HLEN', KEYS[4]) < tonumber(head[5])
    or redis.call('EXISTS', KEYS[5]) ~= tonumber(head[6])
    or redis.call('LLEN', KEYS[6]) ~= tonumber(head[7]) then
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
    redis.call('DEL', KEYS[4])
    redis.call('HSET', KEYS[2], 'based', 1, 'logged', 0)
end
"""

#: KEYS lease, standbys; ARGV token, name.
RELEASE = """
redis.call('ZREM', KEYS[2], ARGV[2])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


def write_script(updates: str, batches: str) -> str:
    """WRITE, for these channels."""
    return _CAN_BE_HEARD + WRITE % {
        "updates": updates,
        "batches": batches,
        "standby": _STANDBY_MILLISECONDS,
    }
