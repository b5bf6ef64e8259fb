"""Guest: whom streams are for. All streams of one address, or of one token, are one guest's."""

from typing import Protocol


class Units(Protocol):
    """Units that come back at a rate."""

    def take(self, units: float, rate: float, burst: float, now: float) -> float:
        """Takes them and gives 0, or takes nothing and gives the seconds until they are there."""


class Bounds(Protocol):
    """What one of them may have; 0 is no limit."""

    @property
    def streams(self) -> int:
        """Streams at a time."""

    @property
    def opens(self) -> float:
        """Streams opened a second."""

    @property
    def symbols(self) -> int:
        """Symbols that the cohorts may have which were made for it."""

    def setting(self, what: str) -> str:
        """What the operator calls one of these: STREAMS, OPENS or SYMBOLS."""

    def reason(self, deed: str, what: str) -> str:
        """A sentence that says what it does too much, and which setting bounds that."""


class Guest(Protocol):
    """What one of them holds, as far as that is bounded."""

    #: Streams at present.
    streams: int
    #: Symbols that the cohorts hold which were made for it: see Registry.
    symbols: int

    @property
    def bounds(self) -> Bounds:
        """What it may have."""

    @property
    def opens(self) -> Units:
        """What opening a stream is taken from."""

    def __hash__(self) -> int:
        """Each is itself alone."""
