"""Batch and Snapshot: what changed, and all there is, on the way from the writer to the workers."""

import re

import msgspec

from relay.feed_status import Count, FeedStatus
from relay.ticker import PRICE, SYMBOL, Ticker

#: Seconds between two batches at most: one without updates is a beat, which tells quiet from silence.
BEAT_SECONDS = 1.0
#: Seconds without a batch until prices are stale.
STALE_SECONDS = 3 * BEAT_SECONDS
#: Seconds without a batch until prices are down: not ready, and clients are told.
DOWN_SECONDS = 10 * BEAT_SECONDS


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Updates, to which the writer gave the versions previous+1 ... version, in order.

    An update is a ticker; one that is `removed` takes its symbol away. A batch without updates is a
    beat: previous equals version. A batch of another epoch voids what a board held before. The first
    batch of an epoch that has updates goes from 0 and holds all that there is; only beats come before
    it. `feed` tells how the feed was when the batch was made, and whether the prices of its epoch are
    simulated.
    """

    epoch: str
    previous: int
    version: int
    feed: FeedStatus
    updates: list[Ticker]


class Snapshot(msgspec.Struct, frozen=True):
    """All there is as of `version`: each symbol's newest update and the version it was given, in any order.

    The newest removals are among them, for those who do not know of them yet; removals up to the
    version `forgotten` may be missing.
    """

    epoch: str
    version: int
    feed: FeedStatus | None
    entries: list[tuple[int, Ticker]]
    forgotten: Count = 0


class Unreadable(ValueError):
    """These bytes are none of ours, whatever they are; the text says why."""


#: What an epoch looks like: it goes into ids, and ids into the lines of a stream.
EPOCH = re.compile(r"[0-9A-Za-z]{1,40}", re.ASCII)
#: Bytes of a batch at most: the largest holds MAX_HELD symbols with all that may be said of them.
MAX_BATCH_BYTES = 16 << 20
#: The last version that every reader of JSON can hold exactly.
MAX_VERSION = 2**53

#: Symbols that were looked at and are some, so that each is looked at once; as many as this at most.
_MAX_KNOWN = 50_000
_known: set[str] = set()
_PRICE_LINES = re.compile(rf"(?:(?:{PRICE.pattern})?+\n)*+")

_encode = msgspec.msgpack.Encoder().encode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode
_decode_snapshot = msgspec.msgpack.Decoder(Snapshot).decode


def encode_batch(batch: Batch) -> bytes:
    """The bytes that carry a batch between processes.

    Raises one of CANNOT_BE_CARRIED for a ticker that holds what no bytes can carry.
    """
    return _encode(batch)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The bytes that keep a snapshot."""
    return _encode(snapshot)


def decode_batch(data: bytes | memoryview) -> Batch:
    """The batch in these bytes, or, with an empty epoch, only what it says of the feed.

    Anybody who reaches the store can write there. So what is said of a symbol goes no further unless each
    symbol is one, each price is a decimal, and no text is longer than it may be. Raises Unreadable.
    """
    if len(data) > MAX_BATCH_BYTES:
        raise Unreadable(f"{len(data)} bytes")
    try:
        batch = _decode_batch(data)
    # msgspec's own errors and UnicodeDecodeError are ValueErrors; things can be nested too deep.
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not 0 <= batch.previous <= batch.version <= MAX_VERSION:
        raise Unreadable(f"versions {batch.previous} and {batch.version}")
    if batch.version - batch.previous != len(batch.updates):
        raise Unreadable(f"{len(batch.updates)} updates from {batch.previous} to {batch.version}")
    if batch.epoch and not EPOCH.fullmatch(batch.epoch):
        raise Unreadable(f"epoch {batch.epoch[:40]!r}")
    _check(batch.updates)
    return batch


def decode_snapshot(data: bytes | memoryview) -> Snapshot:
    """The snapshot in these bytes. Raises Unreadable."""
    try:
        snapshot = _decode_snapshot(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not EPOCH.fullmatch(snapshot.epoch):
        raise Unreadable(f"epoch {snapshot.epoch[:40]!r}")
    newest = max((version for version, _ in snapshot.entries), default=0)
    if not max(newest, snapshot.forgotten) <= snapshot.version <= MAX_VERSION:
        raise Unreadable(f"version {snapshot.version}, though {newest} is in it")
    tickers = [ticker for _, ticker in snapshot.entries]
    _check(tickers)
    return snapshot


def _check(tickers: list[Ticker]) -> None:
    """Whether each symbol is one and each price a decimal, or nothing. Raises Unreadable.

    The prices are looked at together: a frame has thousands.
    """
    symbols = [ticker.symbol for ticker in tickers]
    if not _known.issuperset(symbols):
        _learn(symbols)
    lines = "\n".join([ticker.price for ticker in tickers])
    if lines.count("\n") >= max(len(tickers), 1) or not _PRICE_LINES.fullmatch(lines + "\n"):
        raise Unreadable("a price that is no decimal")


def _learn(symbols: list[str]) -> None:
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise Unreadable(f"symbol {symbol[:40]!r}")
    if len(_known) + len(symbols) > _MAX_KNOWN:
        _known.clear()
    _known.update(symbols)
