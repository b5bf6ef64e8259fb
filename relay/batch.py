"""Batch: what changed, as it travels from the one writer to every worker."""

from typing import Literal

import msgspec

from relay.ticker import Ticker

#: The writer sends a batch or a beat at least so often: workers tell silence from quiet by it.
BEAT_SECONDS = 1.0
#: So many missed: what is shown is stale.
STALE_SECONDS = 3 * BEAT_SECONDS
#: So many: down, not ready, and clients are told.
DOWN_SECONDS = 10 * BEAT_SECONDS


class FeedStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the feed says of itself. Travels with every batch."""

    #: live: prices arrive. stale: connected, but none for too long. down: not connected.
    state: Literal["live", "stale", "down"]
    simulated: bool = False
    #: The URL in use or being tried.
    source: str = ""
    #: Seconds since the exchange last sent data, when this was said; None before the first.
    age: float | None = None
    #: The hop to blame and why, in a few words; nothing where all is well.
    reason: str = ""
    #: Milliseconds from the exchange's stamp on the newest price to our reading it, by two clocks:
    #: never below 0. None where the stream has no stamp.
    latency: int | None = None
    #: When this was said, by the listener's clock, in milliseconds since 1970.
    time: int = 0
    #: How many other listeners stand by to take over.
    standbys: int = 0


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


class State(msgspec.Struct, frozen=True):
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
