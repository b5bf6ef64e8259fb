"""Member: what a cohort has to know of a client."""

from collections.abc import Callable
from typing import Protocol

from relay.fanout.checksum import Tally


class Member(Protocol):
    """A client that is owed what its cohort is owed."""

    #: The cohort's number of passes when the member joined.
    joined: int
    #: What it was given, where the end of its stream has to say so.
    tally: Tally | None

    @property
    def send(self) -> Callable[[bytes], int]:
        """Offers bytes to the socket without waiting, and gives how many it took.

        Raises BlockingIOError where it takes none, another OSError where the connection is gone.
        """

    def fall_behind(self, unfinished: bytes, version: int) -> None:
        """The socket took only a part. The member stands at `version` once it has sent `unfinished`."""

    def resume(self, version: int) -> None:
        """The member stands at `version`; it may catch up with the cohort now, and join it again."""

    def informed(self) -> None:
        """The newest status was taken by the socket."""

    def asked(self, since: float) -> None:
        """A heartbeat, which may ask for an answer, was taken by the socket, not before `since` by the clock;
        the answer may have come meanwhile."""

    def lost(self) -> None:
        """The connection is gone."""
