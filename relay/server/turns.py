"""Turns: how much of the requests that are here is done until the event loop looks at its sockets again.

However many come at once, on one connection or on a thousand, prices and whoever else has something to say
wait no longer than for a few of them. A probe waits for one page at most, or who restarts and routes by it
would take a worker that is asked for much for one that is dead.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import gevent
from gevent.hub import Waiter

from relay.turn import give_turn

#: Seconds of one look in which requests begin.
TURN_SECONDS = 0.002

#: Requests that wait, in the order in which they came.
Lane: TypeAlias = "deque[Waiter[None]]"


class Turns:
    """Lets requests begin in the order in which they asked to; those of its two lanes by turns."""

    __slots__ = ("_clock", "_is_open", "_looks", "_serving", "_until", "pages", "probes")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Belongs to the event loop of whoever makes it. `clock()` is in seconds and never goes back."""
        self._clock = clock
        #: Of whatever is no probe.
        self.pages: Lane = deque()
        self.probes: Lane = deque()
        self._serving = False
        # Whether a request has begun since the last look, and until when others may.
        self._is_open = False
        self._until = 0.0
        self._looks = gevent.get_hub().loop.check(ref=False)

    def wait(self, lane: Lane) -> None:
        """Return once a request of that lane may begin: one at least for each look at the sockets."""
        if not self._serving and self._may_begin():
            return
        waiter: Waiter[None] = Waiter()
        lane.append(waiter)
        if not self._serving:
            self._serving = True
            gevent.spawn_raw(self._serve)
        waiter.get()

    def _may_begin(self) -> bool:
        if self._is_open:
            return self._clock() < self._until
        self._is_open = True
        self._until = self._clock() + TURN_SECONDS
        self._looks.start(self._look)
        return True

    def _look(self) -> None:
        self._is_open = False
        self._looks.stop()

    def _serve(self) -> None:
        loop = gevent.get_hub().loop
        lane, other = self.pages, self.probes
        try:
            while lane or other:
                while not self._may_begin():
                    give_turn()
                lane, other = (other, lane) if other else (lane, other)
                loop.run_callback(lane.popleft().switch, None)
                # It goes first.
                gevent.sleep(0)
        finally:
            self._serving = False
