"""Overlap: the time in which two sessions are read, the one that was left and the one that took over."""

from relay.clock import SYSTEM, Clock
from relay.exchange.session import Session
from relay.exchange.source import Source
from relay.ticker import Ticker
from relay.turn import give_turn

#: Seconds for which two sessions are read at most. The old one is closed before that, once it has caught
#: up with the first that came from the new one. Some streams are too quiet to tell; and where streams are
#: asked for one message after the other, or come over several connections, one tells nothing of the rest.
OVERLAP_SECONDS = 5.0
#: Seconds more for what lies unread of the old one when its time is up. Both together are less than
#: claims.CLAIM_SECONDS.
UNREAD_SECONDS = 0.5


class Overlap:
    """A session that another one took over from, and that is read for a while yet."""

    def __init__(
        self,
        session: Session,
        source: Source,
        promoted: float,
        first_time: int,
        clock: Clock = SYSTEM,
    ) -> None:
        """`promoted`: when it became the current one, by the monotonic clock. `first_time`: the newest time
        that the exchange put on the first tickers of the one that took over; 0 where that tells nothing."""
        self.session = session
        self.source = source
        self.promoted = promoted
        #: Whether all that it says comes over the other one as well.
        self.caught_up = False
        self._first_time = first_time if session.at_once else 0
        self._clock = clock
        self._until = clock.monotonic() + OVERLAP_SECONDS
        self._unread_until: float | None = None
        # How many messages came of it.
        self._told = 0

    @property
    def seconds(self) -> float:
        """How long it may last yet."""
        return 0.0 if self.caught_up else self._until - self._clock.monotonic()

    def hear(self, tickers: list[Ticker]) -> None:
        """The session that was left has told of these.

        Events of one millisecond come one by one, and the other session may have begun amid them.
        """
        self._told += 1
        self.caught_up |= 0 < self._first_time < newest_time(tickers)

    def is_over(self) -> bool:
        """Whether the session that was left is to be closed. May give turns to others."""
        return self.caught_up or (self.seconds <= 0 and self._is_read())

    def _is_read(self) -> bool:
        """Whether nothing of it lies unread, or only what is never less.

        Where this process did not run for a while, its time is up before that is read.
        """
        if self._unread_until is None:
            self._unread_until = self._clock.monotonic() + UNREAD_SECONDS
        told = self._told
        # What the first look at the sockets finds is read before the second one.
        give_turn()
        give_turn()
        return self._told == told or self._unread_until <= self._clock.monotonic()


def newest_time(tickers: list[Ticker]) -> int:
    """The newest time that the exchange put on any of these, in milliseconds; 0 where it put none."""
    return max((ticker.event_time or 0 for ticker in tickers), default=0)
