"""What stands in Redis: the names of the keys, and the snapshot read from them.

All keys are in the Cluster slot of `prices`, so that one script may touch them together:

    prices                   hash    SYMBOL -> price, as received. Public.
    relay:{prices}:head      hash    epoch, version, feed (FeedStatus as JSON), and what the writer
                                     needs to know its own work again
    relay:{prices}:base      string  a Snapshot as MessagePack, as of some version
    relay:{prices}:log       list    every Batch since then as MessagePack, oldest first
    relay:{prices}:lease     string  who may write; expires if its holder is silent
    relay:{prices}:standbys  zset    who would like to, and when each last asked, in milliseconds

Channels:

    prices:updates           {"symbol":"BTCUSDT","price":"67123.45000000"}, one message an update. Public.
    relay:{prices}:batches   a Batch as MessagePack; one without updates is a beat
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
from redis import Redis

from relay.batch import Batch, Snapshot, decode_batch
from relay.feed_status import FeedStatus
from relay.ticker import Ticker

log = logging.getLogger(__name__)

PRICES = "prices"
UPDATES = "prices:updates"
HEAD = "relay:{prices}:head"
BASE = "relay:{prices}:base"
LOG = "relay:{prices}:log"
LEASE = "relay:{prices}:lease"
STANDBYS = "relay:{prices}:standbys"
BATCHES = "relay:{prices}:batches"

_NO_FEED = FeedStatus("down", reason="listener: nothing heard of it yet")
_decode_feed = msgspec.json.Decoder(FeedStatus).decode
_decode_snapshot = msgspec.msgpack.Decoder(Snapshot).decode

Entries = dict[str, tuple[int, Ticker]]
_T = TypeVar("_T")


def load(redis: Redis) -> Snapshot | None:
    """What is held, as of one moment; None if there is none. Raises RedisError.

    What is no work of ours in it is left out; the writer notices, and writes all of it again.
    """
    pipeline = redis.pipeline(transaction=True)
    pipeline.hgetall(HEAD)
    pipeline.get(BASE)
    pipeline.lrange(LOG, 0, -1)
    head, base, batches = pipeline.execute()
    epoch, version = head.get(b"epoch", b"").decode(), head.get(b"version", b"")
    if not epoch or not version.isdigit():
        return None
    entries: Entries = {}
    for base_snapshot in _readable([base] if base else [], _decode_snapshot, BASE):
        entries = {ticker.symbol: (given, ticker) for given, ticker in base_snapshot.entries}
    for batch in _readable(batches, decode_batch, LOG):
        add(entries, batch)
    feed = next(_readable([head.get(b"feed", b"")], _decode_feed, HEAD), _NO_FEED)
    return Snapshot(epoch, int(version), feed, list(entries.values()))


def add(entries: Entries, batch: Batch) -> None:
    """Brings entries up to date."""
    for version, ticker in enumerate(batch.updates, batch.previous + 1):
        entries[ticker.symbol] = version, ticker


def _readable(values: list[bytes], decode: Callable[[bytes], _T], key: str) -> Iterator[_T]:
    for value in values:
        try:
            yield decode(value)
        except msgspec.MsgspecError as error:
            log.warning("ignored what stands in %s and is none of ours: %s", key, error)
