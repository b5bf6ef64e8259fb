"""Batch: what changed, as it travels from the one writer to every worker."""

from typing import Literal

import msgspec


class FeedStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the feed says of itself. Travels with every batch."""

    #: live: prices arrive. stale: connected, but none for too long. down: not connected.
    state: Literal["live", "stale", "down"]
    simulated: bool = False
    #: The URL in use or being tried.
    source: str = ""
    #: Seconds since the newest price, when this was said; None before the first.
    age: float | None = None
    #: Why the feed is not live, in a few words.
    reason: str = ""


class Update(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One symbol's newest price, already encoded: no worker looks inside."""

    symbol: str
    price: str
    #: The whole ticker as JSON text.
    ticker: str


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Updates given the versions previous+1 ... version, in order.

    Without updates it is a beat: previous equals version. One that starts at 0 is the whole state of
    a new epoch: what a board held before is void.
    """

    epoch: str
    previous: int
    version: int
    feed: FeedStatus
    updates: list[Update]


class State(msgspec.Struct, frozen=True):
    """The whole state at `version`: each symbol's newest update and the version it was given."""

    epoch: str
    version: int
    feed: FeedStatus | None
    entries: list[tuple[int, Update]]


_decode = msgspec.msgpack.Decoder(Batch).decode
_encode = msgspec.msgpack.Encoder().encode


def encode_batch(batch: Batch) -> bytes:
    """The bytes that carry a batch between processes."""
    return _encode(batch)


def decode_batch(data: bytes) -> Batch:
    """The batch in these bytes; raises msgspec.MsgspecError where there is none."""
    return _decode(data)
