"""Presence: what one process says of itself, for people to read on /status."""

from typing import Annotated

import msgspec

#: Events that a process remembers, and characters of one.
MAX_EVENTS, MAX_TEXT = 50, 300
#: Seconds between two times that a process says how it is.
SAY_SECONDS = 2.0
#: Limits that a process names at most.
_MAX_LIMITS = 50

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]


class Occurrence(msgspec.Struct, frozen=True):
    """A life event: what the log said."""

    #: By the process's clock, in milliseconds since 1970.
    time: Number
    #: info, warning, error or critical.
    level: Annotated[str, msgspec.Meta(max_length=8)]
    text: Text


class Presence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process, now."""

    #: worker or listener.
    role: Annotated[str, msgspec.Meta(max_length=16)]
    #: Its host and process id.
    name: Text
    #: When it began, in milliseconds since 1970.
    began: Number
    #: live, stale or down, as this process sees the prices; and the hop to blame and why.
    state: Annotated[str, msgspec.Meta(max_length=8)]
    reason: Text = ""
    simulated: bool = False
    source: Text = ""
    #: Seconds since the exchange sent data, and since the listener was heard; None where it never was, or
    #: does not apply.
    age: Seconds | None = None
    silent: Seconds | None = None
    #: The newest id that it holds: <epoch>-<version>.
    version: Text = ""
    #: Of a listener: whether it writes, and how many others stand by.
    leading: bool = False
    standbys: Number = 0
    #: Of a worker.
    streams: Number = 0
    behind: Number = 0
    draining: bool = False
    memory: Number = 0
    #: How often each limit was reached, by its name.
    refused: Annotated[dict[Text, Number], msgspec.Meta(max_length=_MAX_LIMITS)] = {}
    #: The newest of what the log said, the oldest first.
    events: Annotated[list[Occurrence], msgspec.Meta(max_length=MAX_EVENTS)] = []
