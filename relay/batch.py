"""Batch and Snapshot: what changed, and all there is, on the way from the writer to the workers."""

import msgspec

from relay.feed_status import FeedStatus
from relay.ticker import Ticker

#: Seconds between two batches at most: one without updates is a beat, which tells quiet from silence.
BEAT_SECONDS = 1.0
#: Seconds without a batch until prices are stale.
STALE_SECONDS = 3 * BEAT_SECONDS
#: Seconds without a batch until prices are down: not ready, and clients are told.
DOWN_SECONDS = 10 * BEAT_SECONDS


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Updates, to which the writer gave the versions previous+1 ... version, in order.

    An update is a ticker; one that is `removed` takes its symbol away. A batch without updates is a
    beat: previous equals version. A batch whose previous is 0 begins a new epoch with all that there
    is: what a board held before is void. `feed` tells how the feed was when the batch was made, and
    whether the prices of its epoch are simulated.
    """

    epoch: str
    previous: int
    version: int
    feed: FeedStatus
    updates: list[Ticker]


class Snapshot(msgspec.Struct, frozen=True):
    """All there is as of `version`: each symbol's newest update and the version it was given, in any order.

    The newest removals are among them, for those who do not know of them yet.
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
