"""Common: what all WebSockets of one visitor may say together.

Each client has an allowance of its own; a thousand of them would have a thousand times as much. Nobody is
refused for what others of its address say: they get their units by turns, and what is said meanwhile waits.
"""

import time
from collections import deque
from collections.abc import Callable

from gevent.event import Event

#: Seconds' worth of units that may be spent at once: after a deploy a whole office comes back.
BURST_SECONDS = 12.0
#: Seconds until one that waits for its turn looks whether it still has to. Sooner than an answer that it does
#: not read meanwhile counts as late: see Way.
LOOK_SECONDS = 1.0

Pause = Callable[[float], object]


class Common:
    """Units that come back at a rate, for many clients."""

    __slots__ = ("_clock", "_full_at", "_is_taken", "_rate", "_waiting", "_waits")

    def __init__(
        self,
        rate: float,
        waits: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rate`: units a second, above 0. `waits()`: called when somebody has to wait. `clock()` is in
        seconds and never goes back."""
        self._rate = rate
        self._clock = clock
        # As in Allowance.
        self._full_at = 0.0
        # Whether it is somebody's turn, and those who wait for theirs.
        self._is_taken = False
        self._waiting: deque[Event] = deque()
        self._waits = waits

    def spend(self, units: int, pause: Pause) -> None:
        """Wait until it is the caller's turn and there is a unit, then take them all, even if there are
        fewer. `pause(seconds)` returns when they are over; what it raises comes out of here."""
        if self._is_taken:
            self._wait_for_turn(pause)
        self._is_taken = True
        try:
            missing = self._full_at - self._clock() - BURST_SECONDS
            if missing > 0:
                self._waits()
                pause(missing)
            self._full_at = max(self._full_at, self._clock()) + units / self._rate
        finally:
            self._hand_on()

    def _wait_for_turn(self, pause: Pause) -> None:
        turn = Event()
        self._waiting.append(turn)
        try:
            while not turn.wait(LOOK_SECONDS):
                pause(0)
        except BaseException:
            if turn.is_set():
                self._hand_on()
            else:
                self._waiting.remove(turn)
            raise

    def _hand_on(self) -> None:
        """To whoever waits longest. A lock would let those go first who come back at once."""
        self._is_taken = bool(self._waiting)
        if self._waiting:
            self._waiting.popleft().set()

    def is_full(self, now: float) -> bool:
        """Whether nothing was taken that has not come back."""
        return self._full_at <= now
