"""The roll in Redis: each process says how it is, and whoever asks sees all that said so lately."""

import os
import secrets
import socket

import msgspec
from redis.exceptions import RedisError

from relay.presence import Presence
from relay.store import keys
from relay.store.connect import MISREAD, connect, in_time
from relay.store.failure import unavailable

#: Milliseconds after which a process that says no more is present no more.
PRESENT_MILLISECONDS = 7_000
#: Milliseconds after which Redis forgets all of them.
_EXPIRY_MILLISECONDS = 60_000
#: Processes that are listed at most, and bytes that one may say of itself.
MAX_PRESENT, MAX_BYTES = 200, 64 << 10

_NOW = """
local function milliseconds()
    local now = redis.call('TIME')
    return now[1] * 1000 + math.floor(now[2] / 1000)
end
local found = redis.call('TYPE', KEYS[1]).ok
"""
#: KEYS roll; ARGV name, what it says, milliseconds it is present, milliseconds all are kept, most.
#: Each value begins with the time, in 13 digits, when it was said.
_SAY = (
    _NOW
    + """
if found ~= 'hash' and found ~= 'none' then redis.call('UNLINK', KEYS[1]) end
local now = milliseconds()
local names = redis.call('HKEYS', KEYS[1])
if #names > tonumber(ARGV[5]) then
    redis.call('UNLINK', KEYS[1])
    names = {}
end
for _, name in ipairs(names) do
    local said = tonumber(string.sub(redis.call('HGET', KEYS[1], name), 1, 13))
    if not said or said < now - ARGV[3] or said > now then redis.call('HDEL', KEYS[1], name) end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%013d', now) .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
"""
)
#: KEYS roll; ARGV milliseconds one is present, most, bytes of each. Writes nothing.
_READ = (
    _NOW
    + """
if found ~= 'hash' or redis.call('HLEN', KEYS[1]) > tonumber(ARGV[2]) then return {} end
local now, present = milliseconds(), {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if redis.call('HSTRLEN', KEYS[1], name) <= tonumber(ARGV[3]) then
        local value = redis.call('HGET', KEYS[1], name)
        local said = tonumber(string.sub(value, 1, 13))
        if said and said >= now - ARGV[1] then present[#present + 1] = string.sub(value, 14) end
    end
end
return present
"""
)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Presence).decode


class RedisRoll:
    """One process's way to the roll."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._say = self._redis.register_script(_SAY)
        self._read = self._redis.register_script(_READ)

    def say(self, presence: Presence) -> None:
        """See Roll."""
        said = _encode(presence)
        args: list[str | int | bytes] = [
            self._name,
            said,
            PRESENT_MILLISECONDS,
            _EXPIRY_MILLISECONDS,
            MAX_PRESENT,
        ]
        try:
            with in_time():
                self._say(keys=[keys.ROLL], args=args)
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error

    def read(self) -> list[Presence]:
        """See Roll."""
        args = [PRESENT_MILLISECONDS, MAX_PRESENT, MAX_BYTES]
        try:
            with in_time():
                answer = self._read(keys=[keys.ROLL], args=args)
            return [one for said in answer if (one := _presence(said)) is not None]
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error


def _presence(said: bytes) -> Presence | None:
    """None where somebody else wrote it."""
    try:
        return _decode(said)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
