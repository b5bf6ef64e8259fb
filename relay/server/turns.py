"""Turns: how much of the requests that are here is done until the event loop looks at its sockets again.

However many come at once, on one connection or on a thousand, prices and whoever else has something to say
wait no longer than for a few of them.
"""

import time
from collections import deque
from collections.abc import Callable

import gevent
from gevent.hub import Waiter

from relay.turn import give_turn

#: Seconds of one look in which requests begin.
TURN_SECONDS = 0.002


class Turns:
    """Lets requests begin in the order in which they asked to."""

    __slots__ = ("_clock", "_is_open", "_looks", "_queue", "_serving", "_until")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Belongs to the event loop of whoever makes it. `clock()` is in seconds and never goes back."""
        self._clock = clock
        self._queue: deque[Waiter[None]] = deque()
        self._serving = False
        # Whether a request has begun since the last look, and until when others may.
        self._is_open = False
        self._until = 0.0
        self._looks = gevent.get_hub().loop.check(ref=False)

    def wait(self) -> None:
        """Return once a request may begin: one at least for each look at the sockets."""
        if not self._queue and self._may_begin():
            return
        waiter: Waiter[None] = Waiter()
        self._queue.append(waiter)
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
        try:
            while self._queue:
                while not self._may_begin():
                    give_turn()
                loop.run_callback(self._queue.popleft().switch, None)
                # It goes first.
                gevent.sleep(0)
        finally:
            self._serving = False
