"""The Lua of the demands. As in scripts.py, nothing that stands under a key is taken for granted.

The score of a demand that waits is the time when it was made, in microseconds: the lowest has its turn. One
that is not urgent has _LATER more. What stands outside of the two ranges that the scores of ours are in
was put there by somebody else, or is so old that nobody waits for it.
"""

from relay.store import keys, scripts

#: More than any time in microseconds until the year 2096, and exact in a double together with one.
_LATER = 4 * 10**15
#: Microseconds until a demand that nobody takes is forgotten.
_FORGOTTEN = 600 * 10**6
#: Microseconds that an answer counts for whoever asks only now: it was given while he looked.
_FRESH = 500_000
#: Milliseconds that the mark of an answer stands.
_MARK = 5_000
#: Milliseconds that the mark of a demand that was taken stands: then whoever took it has failed.
_TAKEN_FOR = 15_000
#: Milliseconds that a refusal stands at most and at least.
MAX_REFUSAL = 3_600_000
MIN_REFUSAL = 1_000

_TIME = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
"""
_PRUNE = """
local function prune(demands, most)
    keep_if(demands, 'zset')
    for _, range in ipairs({{'-inf', now - %(forgotten)d}, {now + 1000000, %(later)d + now - %(forgotten)d},
        {%(later)d + now + 1000000, '+inf'}}) do
        redis.call('ZREMRANGEBYSCORE', demands, range[1], range[2])
    end
    redis.call('ZREMRANGEBYRANK', demands, most, -1)
end
"""

#: KEYS head, demands, bell, and for each name answered, refused, taken; ARGV the number that may wait, and
#: for each name itself, 1 if it is urgent, and what was said of older answers when this was asked first.
#: Answers for each a word, a number or a reason, and what there is to say of older answers.
_ASK = """
-- A short string that expires in time; else false.
local function short(key, most)
    local size = redis.pcall('STRLEN', key)
    local left = redis.call('PTTL', key)
    if left == -2 then return false end
    if type(size) ~= 'number' or left == -1 or left > most then
        redis.call('UNLINK', key)
        return false
    end
    return redis.call('GETRANGE', key, 0, 499)
end
local head, demands, bell, most = KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1])
prune(demands, most)
local writer, count, added, said =
    redis.pcall('HGET', head, 'writer'), redis.call('ZCARD', demands), false, {}
-- The last goes, if it is not urgent.
local function make_room()
    local last = redis.call('ZRANGE', demands, -1, -1, 'WITHSCORES')
    if tonumber(last[2]) >= %(later)d then count = count - redis.call('ZREM', demands, last[1]) end
end
local function ask(name, urgent, seen, answered, refused, taken)
    local mark = short(answered, %(mark)d)
    local age = now - (tonumber(mark or '') or 0)
    if mark and ((seen == '' and age >= 0 and age < %(fresh)d) or (seen ~= '' and seen ~= mark)) then
        return 'answered', 0, mark
    end
    mark = mark or 'none'
    local reason = short(refused, %(refusal)d)
    if reason then return 'refused', reason, mark end
    local taker = short(taken, %(taken)d)
    if taker and taker == writer then return 'taken', 0, mark end
    local score = now
    if urgent ~= '1' then score = score + %(later)d end
    local old = redis.call('ZSCORE', demands, name)
    if not old then
        if count >= most and urgent == '1' then make_room() end
        if count >= most then return 'full', count, mark end
        count = count + 1
        added = true
    end
    if not old or tonumber(old) > score then redis.call('ZADD', demands, score, name) end
    return 'waits', redis.call('ZRANK', demands, name), mark
end
for i = 2, #ARGV, 3 do
    local word, detail, mark = ask(ARGV[i], ARGV[i + 1], ARGV[i + 2], KEYS[i + 2], KEYS[i + 3], KEYS[i + 4])
    -- So that those asked for together keep their order.
    now = now + 1
    said[#said + 1] = word
    said[#said + 1] = detail
    said[#said + 1] = mark
end
if added then
    keep_if(bell, 'list')
    if redis.call('LLEN', bell) == 0 then redis.call('RPUSH', bell, 1) end
end
return said
"""

#: KEYS head, demands, bell; ARGV token, the number that may wait, the bytes that a name may have, what keys
#: of marks begin with. Answers a word and a name. Where none waits the bell is silent until the next one.
_TAKE = """
if redis.pcall('HGET', KEYS[1], 'writer') ~= ARGV[1] then return {'held', ''} end
prune(KEYS[2], tonumber(ARGV[2]))
for i = 1, 100 do
    local name = redis.call('ZPOPMIN', KEYS[2])[1]
    if not name then
        redis.call('UNLINK', KEYS[3])
        return {'none', ''}
    end
    if #name <= tonumber(ARGV[3]) then
        redis.call('SET', ARGV[4] .. name, ARGV[1], 'PX', %(taken)d)
        return {'taken', name}
    end
end
return {'more', ''}
"""

_ENDED = """
redis.pcall('ZREM', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[2])
"""

#: KEYS demands, taken, answered, refused; ARGV name.
_ANSWER = """
redis.call('UNLINK', KEYS[4])
redis.call('SET', KEYS[3], string.format('%%.0f', now), 'PX', %(mark)d)
redis.call('PUBLISH', '%(answers)s', ARGV[1])
"""

#: KEYS demands, taken, refused; ARGV name, reason, milliseconds.
_REFUSE = """
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', '%(answers)s', ARGV[1])
"""

_FIGURES = {
    "answers": keys.ANSWERS,
    "forgotten": _FORGOTTEN,
    "fresh": _FRESH,
    "later": _LATER,
    "mark": _MARK,
    "refusal": MAX_REFUSAL,
    "taken": _TAKEN_FOR,
}
ASK = scripts.OURS + (_TIME + _PRUNE + _ASK) % _FIGURES
TAKE = scripts.OURS + (_TIME + _PRUNE + _TAKE) % _FIGURES
ANSWER = (_TIME + _ENDED + _ANSWER) % _FIGURES
REFUSE = (_ENDED + _REFUSE) % _FIGURES
