"""The Redis store: state and publish/subscribe, for a listener and any number of workers.

Keys (all in the Cluster slot of `prices`, so that one script may touch them together):

    prices                  hash    SYMBOL -> price, as received. Public.
    relay:{prices}:state    hash    SYMBOL -> "<version> <price> <ticker JSON>"
    relay:{prices}:head     hash    epoch, version, feed (FeedStatus as JSON)
    relay:{prices}:lease    string  who may write; expires if its holder is silent

Channels:

    prices:updates          {"symbol":"BTCUSDT","price":"67123.45000000"}, one message an update. Public.
    relay:{prices}:batches  a whole Batch as MessagePack; one without updates is a beat
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator

import gevent
import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from relay.backoff import Backoff
from relay.batch import Batch, FeedStatus, State, Update, decode_batch, encode_batch
from relay.ticker import Ticker
from relay.writer import BEAT_SECONDS, LeaseHeld, Position, StateLost, StoreUnavailable

log = logging.getLogger(__name__)

PRICES = "prices"
UPDATES = "prices:updates"
STATE = "relay:{prices}:state"
HEAD = "relay:{prices}:head"
LEASE = "relay:{prices}:lease"
BATCHES = "relay:{prices}:batches"

#: A listener that has not written for so long has lost the right to.
LEASE_MILLISECONDS = 5_000
#: A write that takes longer counts as failed, and is tried again with the same batch.
WRITE_SECONDS = 1.0
#: So many beats missed, and the subscription is built anew: a half-open one never says so itself.
MISSED_BEATS = 3

_NO_FEED = FeedStatus("down", reason="the listener has not said anything yet")

# HSET's arguments go through Lua's stack, which holds 8,000.
_WRITE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 'held' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local epoch, previous, version = ARGV[3], ARGV[4], ARGV[5]
local head = redis.call('HMGET', KEYS[2], 'epoch', 'version')
if head[1] == epoch and head[2] == version and previous ~= version then return 'known' end
if previous == '0' then
    redis.call('DEL', KEYS[3], KEYS[4])
elseif head[1] ~= epoch or head[2] ~= previous then
    return 'lost'
end
local updates = cmsgpack.unpack(ARGV[7])[5]
local prices, rows = {}, {}
for i, update in ipairs(updates) do
    local symbol, price = update[1], update[2]
    local n = #prices
    prices[n + 1], prices[n + 2] = symbol, price
    rows[n + 1], rows[n + 2] = symbol, (previous + i) .. ' ' .. price .. ' ' .. update[3]
    if n + 2 == 4000 then
        redis.call('HSET', KEYS[3], unpack(prices))
        redis.call('HSET', KEYS[4], unpack(rows))
        prices, rows = {}, {}
    end
end
if #prices > 0 then
    redis.call('HSET', KEYS[3], unpack(prices))
    redis.call('HSET', KEYS[4], unpack(rows))
end
-- Last, so that a batch which failed half-way is not taken for known when it comes again.
redis.call('HSET', KEYS[2], 'epoch', epoch, 'version', version, 'feed', ARGV[6])
redis.call('PUBLISH', '%(batches)s', ARGV[7])
for _, update in ipairs(updates) do
    redis.call('PUBLISH', '%(updates)s', '{"symbol":"' .. update[1] .. '","price":"' .. update[2] .. '"}')
end
return 'written'
""" % {"batches": BATCHES, "updates": UPDATES}

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class RedisStore:
    """One side of a Redis: the writer's, or a worker's."""

    def __init__(self, url: str) -> None:
        #: What keeps us from Redis at the moment, or nothing.
        self.problem = ""
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        # A write is never retried by the library: the writer does that, with the same batch.
        self._redis = redis.Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=WRITE_SECONDS,
            socket_connect_timeout=WRITE_SECONDS,
        )
        self._write_script = self._redis.register_script(_WRITE)
        self._release_script = self._redis.register_script(_RELEASE)

    def open(self) -> Position | None:
        """Takes the lease; the state to go on from. See Store."""
        try:
            self._take_lease()
            state = self._load()
        except redis.RedisError as error:
            raise StoreUnavailable(error) from error
        if state is None:
            return None
        tickers = [_ticker(update) for _, update in state.entries]
        simulated = state.feed is not None and state.feed.simulated
        return Position(state.epoch, state.version, simulated, [t for t in tickers if t])

    def write(self, batch: Batch) -> None:
        """State, version and publish at once. See Store."""
        args: list[str | int | bytes] = [
            self._owner,
            LEASE_MILLISECONDS,
            batch.epoch,
            batch.previous,
            batch.version,
            msgspec.json.encode(batch.feed),
            encode_batch(batch),
        ]
        try:
            answer = self._write_script(keys=[LEASE, HEAD, PRICES, STATE], args=args)
        except redis.RedisError as error:
            raise StoreUnavailable(error) from error
        if answer == b"held":
            raise LeaseHeld
        if answer == b"lost":
            raise StateLost

    def release(self) -> None:
        """Gives the lease up, so that another listener need not wait for it to expire."""
        try:
            self._release_script(keys=[LEASE], args=[self._owner])
        except redis.RedisError as error:
            log.info("the lease could not be given up, it will expire: %s", error)

    def listen(self) -> Iterator[State | Batch]:
        """The whole state, then every batch without a gap; the state again after any gap. For ever.

        Redis may be away, killed, flushed or half-open: this waits and comes back.
        """
        backoff = Backoff(first=0.1, cap=2.0)
        while True:
            subscription = self._redis.pubsub()  # type: ignore[no-untyped-call]
            try:
                subscription.subscribe(BATCHES)
                for item in self._follow(subscription):
                    if self.problem:
                        log.info("Redis is back")
                    self.problem = ""
                    backoff.reset()
                    yield item
                if not self.problem:
                    log.warning("no beat on the subscription: building it anew")
                self.problem = "no beat from the listener"
            except redis.RedisError as error:
                if not self.problem:
                    log.warning("Redis is away: %s", error)
                self.problem = f"Redis cannot be reached: {error}"[:200]
            finally:
                subscription.close()
            gevent.sleep(backoff.next())

    def _follow(self, subscription: redis.client.PubSub) -> Iterator[State | Batch]:
        """One subscription's life; ends when it has been silent for too long."""
        epoch, version = "", 0
        heard = time.monotonic()
        while time.monotonic() - heard < MISSED_BEATS * BEAT_SECONDS:
            # Not ignoring subscribe messages: each one, also one that the library sent by itself
            # after a lost connection, means that messages may have been missed.
            message = subscription.get_message(timeout=BEAT_SECONDS)
            if message is None:
                continue
            batch = _batch(message)
            if batch is not None:
                heard = time.monotonic()
                if batch.epoch == epoch and batch.version < version:
                    continue
                follows = batch.epoch == epoch and batch.previous == version
                if follows or batch.previous == 0:
                    epoch, version = batch.epoch, batch.version
                    yield batch
                    continue
            # Subscribed first, then read: what was published in between comes as well, and is dropped.
            state = self._load()
            if state is not None:
                epoch, version = state.epoch, state.version
                yield state

    def _take_lease(self) -> None:
        taken = self._redis.set(LEASE, self._owner, nx=True, px=LEASE_MILLISECONDS)
        if not taken and self._redis.get(LEASE) != self._owner.encode():
            raise LeaseHeld

    def _load(self) -> State | None:
        """The whole state as of one moment; None if there is none."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.hgetall(HEAD)
        pipeline.hgetall(STATE)
        head, rows = pipeline.execute()
        epoch, version = head.get(b"epoch", b"").decode(), head.get(b"version", b"")
        if not epoch or not version.isdigit():
            return None
        feed = _feed_status(head.get(b"feed", b""))
        entries = [_entry(symbol, row) for symbol, row in rows.items()]
        return State(epoch, int(version), feed, [entry for entry in entries if entry])


def _batch(message: dict[str, object]) -> Batch | None:
    """The batch in a message; None for anything else, also for what somebody else published."""
    data = message["data"]
    if message["type"] != "message" or not isinstance(data, bytes):
        return None
    try:
        return decode_batch(data)
    except msgspec.MsgspecError as error:
        log.warning("ignored a message on %s that is no batch: %s", BATCHES, error)
        return None


def _entry(symbol: bytes, row: bytes) -> tuple[int, Update] | None:
    """A row of the state; None for one that somebody else wrote."""
    try:
        version, price, ticker = row.decode().split(" ", 2)
        return int(version), Update(symbol.decode(), price, ticker)
    except ValueError:
        log.warning("ignored a row of %s that is none of ours: %.40r", STATE, symbol)
        return None


def _ticker(update: Update) -> Ticker | None:
    try:
        return msgspec.json.decode(update.ticker, type=Ticker)
    except msgspec.MsgspecError:
        return None


def _feed_status(text: bytes) -> FeedStatus:
    try:
        return msgspec.json.decode(text, type=FeedStatus)
    except msgspec.MsgspecError:
        return _NO_FEED
