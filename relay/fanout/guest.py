"""Guest: whom streams are for. All streams of one address are one guest's."""

from typing import Protocol


class Units(Protocol):
    """Units that come back at a rate."""

    def take(self, units: float, rate: float, burst: float, now: float) -> float:
        """Takes them and gives 0, or takes nothing and gives the seconds until they are there."""


class Guest(Protocol):
    """What one of them holds, as far as that is bounded."""

    #: Streams at present.
    streams: int
    #: Symbols that the cohorts hold which were made for it: see Registry.
    symbols: int
    #: False for a proxy that speaks for itself, such as a program on the same machine.
    is_limited: bool

    @property
    def opens(self) -> Units:
        """What opening a stream is taken from."""
