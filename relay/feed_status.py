"""FeedStatus: what the feed says of itself. It travels with every batch."""

from typing import Annotated, Literal

import msgspec

#: A whole number that every reader of JSON, and Lua, can hold exactly.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
#: Characters of a text of a status at most; clients are told less of it.
MAX_TEXT = 1_000
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class FeedStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the feed says of itself at one moment."""

    #: live: prices arrive, or did a moment ago, and the connection is being made anew. stale: none for too
    #: long. down: not connected, and none for ten seconds.
    state: Literal["live", "stale", "down"]
    #: Whether the prices that this goes with are made up.
    simulated: bool = False
    #: The URL in use or being tried, as anybody may read it.
    source: Text = ""
    #: Seconds since the exchange last sent data, when this was said; None before the first.
    age: Annotated[float, msgspec.Meta(ge=0, le=1e12)] | None = None
    #: The hop to blame and why, in a few words; nothing where all is well.
    reason: Text = ""
    #: Milliseconds from the exchange's stamp on the newest price to our reading it, by two clocks:
    #: never below 0. None where the stream has no stamp.
    latency: Count | None = None
    #: When this was said, by the listener's clock, in milliseconds since 1970.
    time: Count = 0
    #: How many other listeners stand by to take over.
    standbys: Count = 0
    #: Why candles are not kept, or the exchange's not fetched; nothing where all is well.
    history: Text = ""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FeedStatus).decode


#: What is raised over a value that no bytes can carry: a number of more than 64 bits, half a character.
CANNOT_BE_CARRIED = (ValueError, TypeError, OverflowError)


def as_carried(status: FeedStatus) -> FeedStatus:
    """The status as it arrives elsewhere, with its texts cut to MAX_TEXT; raises one of CANNOT_BE_CARRIED
    if it cannot."""
    texts = (status.source, status.reason, status.history)
    if max(map(len, texts)) > MAX_TEXT:
        source, reason, history = (text[:MAX_TEXT] for text in texts)
        status = msgspec.structs.replace(status, source=source, reason=reason, history=history)
    return _decode(_encode(status))
