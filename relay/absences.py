"""Absences: the times in which this process did not run.

It may be stopped, or frozen with its container; its machine may sleep, or have no CPU to spare. What was
not heard meanwhile says nothing of those who speak.
"""

from collections import deque

import gevent

from relay.clock import SYSTEM, Clock

#: Seconds between two looks at the clock.
LOOK_SECONDS = 0.25
#: Seconds between two looks from which on this process was away.
AWAY_SECONDS = 1.0
#: Absences that are remembered: those of half a minute at least.
_REMEMBERED = 32


class Absences:
    """Looks at the clock regularly, and remembers when that was not possible."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._looked: float | None = None
        # How late looks were at most, since somebody asked.
        self._lag = 0.0
        # From when until when.
        self._known: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)

    def run(self) -> None:
        """Looks for ever. Needs a greenlet of its own; until it has one, no absence is noticed."""
        while True:
            self.look()
            due = self._clock.monotonic() + LOOK_SECONDS
            gevent.sleep(LOOK_SECONDS)
            self._lag = max(self._lag, self._clock.monotonic() - due)

    def take_lag(self) -> float:
        """How many seconds the event loop was late at most, since this was asked last."""
        lag, self._lag = self._lag, 0.0
        return max(lag, 0.0)

    def look(self) -> None:
        """This process runs now."""
        now = self._clock.monotonic()
        if self._looked is not None and now - self._looked >= AWAY_SECONDS:
            self._known.append((self._looked, now))
        self._looked = now

    def since(self, moment: float) -> float:
        """Seconds since then, by the monotonic clock, in which this process did not run."""
        if self._looked is not None:
            self.look()
        return sum(end - max(begin, moment) for begin, end in self._known if end > moment)


def never(moment: float) -> float:  # noqa: ARG001
    """For those who are not told of absences: there is none."""
    return 0.0
