"""Door: which streams may begin, and when those come back that may not.

It decides where a stream enters, so that no number is overrun, however many open at once.
"""

from typing import NamedTuple

from relay.clock import SYSTEM, Clock
from relay.fanout.guest import Bounds, Guest, Units
from relay.refusals import Refusals

#: Seconds' worth of opens that may come at once. After a deploy all come back within moments, and an office
#: has one address.
BURST_SECONDS = 12.0
#: Streams that are refused a second, in the long run: those refused come back within a window of that size.
#: One costs about as much as a small page.
REFUSED_PER_SECOND = 100.0
#: The shortest and the longest such window, in seconds.
WINDOW_SECONDS = (5.0, 600.0)


class Full(Exception):
    """No further stream may begin now; the text says why."""

    #: Whether others may begin one: it is the limit of one guest.
    of_guest = False


class GuestFull(Full):
    """No further stream of this guest may begin now."""

    of_guest = True


class Limits(NamedTuple):
    """How many streams may begin. 0 is no limit."""

    #: Streams at a time, in all.
    streams: int = 0
    #: Streams opened a second, in all.
    opens: float = 0.0


class Door:
    """Counts the streams of one worker."""

    def __init__(
        self, limits: Limits | None = None, opens: Units | None = None, clock: Clock = SYSTEM
    ) -> None:
        """`opens`: what every opening is taken from, where they are limited in all. Nothing is limited
        where nothing is said."""
        self._limits = limits or Limits()
        self._opens = opens
        self._clock = clock
        #: What was refused here, and by whoever else has limits.
        self.refusals = Refusals()
        # When the last of those that were refused has come back: of all, and of those that only their
        # own bounds kept out. So nobody waits long since somebody else asks too fast.
        self._all_back = {False: 0.0, True: 0.0}
        #: Streams that have begun and not ended.
        self.streams = 0
        #: Why nobody may enter any more, or nothing.
        self.closed = ""

    def let_in(self, guest: Guest) -> None:
        """Counts one more stream of a guest's; raises Full."""
        self._check(guest)
        self.streams += 1
        guest.streams += 1

    def let_out(self, guest: Guest) -> None:
        """A stream that was let in has ended."""
        self.streams -= 1
        guest.streams -= 1

    def window(self, refusal: Full) -> float:
        """Seconds within which one that is refused so may come back: the more are refused, the longer."""
        now = self._clock.monotonic()
        shortest, longest = WINDOW_SECONDS
        back = max(self._all_back[refusal.of_guest], now + shortest) + 1 / REFUSED_PER_SECOND
        self._all_back[refusal.of_guest] = back = min(back, now + longest)
        return back - now

    def _check(self, guest: Guest) -> None:
        """Takes what opening a stream costs; raises Full."""
        if self.closed:
            raise Full(self.closed)
        limits, now = self._limits, self._clock.monotonic()
        if limits.streams and self.streams >= limits.streams:
            raise Full(self._refused("MAX_CLIENTS", "this worker serves as many streams as it may"))
        bounds = guest.bounds
        if bounds.streams and guest.streams >= bounds.streams:
            raise self._refused_guest(bounds, "has as many streams as it may", "STREAMS")
        if _is_spent(guest.opens, bounds.opens, now):
            raise self._refused_guest(bounds, "opens streams too fast", "OPENS")
        if self._opens is not None and _is_spent(self._opens, limits.opens, now):
            raise Full(self._refused("OPENS", "streams are opened too fast here"))

    def _refused(self, name: str, sentence: str) -> str:
        self.refusals.count(name)
        return f"{sentence} ({name})"

    def _refused_guest(self, bounds: Bounds, deed: str, what: str) -> GuestFull:
        self.refusals.count(bounds.setting(what))
        return GuestFull(bounds.reason(deed, what))


def _is_spent(units: Units, rate: float, now: float) -> bool:
    """Whether not even one is left; else takes it."""
    return rate > 0 and units.take(1, rate, max(rate * BURST_SECONDS, 1.0), now) > 0
