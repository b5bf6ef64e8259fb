"""Batch: what changed, as it travels from the one writer to every worker."""

import msgspec

from relay.feed_status import FeedStatus
from relay.ticker import Ticker

#: The writer sends a batch or a beat at least so often: workers tell silence from quiet by it.
BEAT_SECONDS = 1.0
#: So many missed: what is shown is stale.
STALE_SECONDS = 3 * BEAT_SECONDS
#: So many: down, not ready, and clients are told.
DOWN_SECONDS = 10 * BEAT_SECONDS


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Updates given the versions previous+1 ... version, in order; one without a price is a removal.

    Without updates it is a beat: previous equals version. One that starts at 0 is the whole state of
    a new epoch: what a board held before is void.
    """

    epoch: str
    previous: int
    version: int
    feed: FeedStatus
    updates: list[Ticker]


class Snapshot(msgspec.Struct, frozen=True):
    """The whole state at `version`: each symbol's newest update and the version it was given.

    Symbols that are gone are still in it, for those who do not know it yet.
    """

    epoch: str
    version: int
    feed: FeedStatus | None
    entries: list[tuple[int, Ticker]]


_decode = msgspec.msgpack.Decoder(Batch).decode
_encode = msgspec.msgpack.Encoder().encode


def encode_batch(batch: Batch) -> bytes:
    """The bytes that carry a batch between processes."""
    return _encode(batch)


def decode_batch(data: bytes) -> Batch:
    """The batch in these bytes; raises msgspec.MsgspecError where there is none."""
    return _decode(data)
