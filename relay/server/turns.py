"""Turns: how much of what is asked for is done until the event loop looks at its sockets again.

However many requests and commands come at once, on one connection or on a thousand, prices and whoever else
has something to say wait no longer than for a few of them. A probe waits for one page and one command at
most, or who restarts and routes by it would take a worker that is asked for much for one that is dead.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import gevent
from gevent.hub import Waiter

from relay.turn import give_turn

#: The key under which a view finds the worker's Turns in the WSGI environ.
KEY = "relay.server.turns"
#: Seconds of one look in which requests and commands begin.
TURN_SECONDS = 0.002

#: Those that wait, in the order in which they came.
Lane: TypeAlias = "deque[Waiter[None]]"


class Turns:
    """Lets those of a lane begin in the order in which they asked to; those of its three lanes by turns."""

    __slots__ = (
        "_clock",
        "_is_open",
        "_looks",
        "_serving",
        "_until",
        "commands",
        "pages",
        "probes",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Belongs to the event loop of whoever makes it. `clock()` is in seconds and never goes back."""
        self._clock = clock
        #: Requests for whatever is no probe.
        self.pages: Lane = deque()
        self.probes: Lane = deque()
        #: What is said over WebSockets.
        self.commands: Lane = deque()
        self._serving = False
        # Whether one has begun since the last look, and until when others may.
        self._is_open = False
        self._until = 0.0
        self._looks = gevent.get_hub().loop.check(ref=False)

    def wait(self, lane: Lane) -> None:
        """Return once the caller may begin: one at least for each look at the sockets."""
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
        lanes = deque((self.probes, self.commands, self.pages))
        try:
            while any(lanes):
                while not self._may_begin():
                    give_turn()
                while not lanes[0]:
                    lanes.rotate(-1)
                loop.run_callback(lanes[0].popleft().switch, None)
                lanes.rotate(-1)
                # It goes first.
                gevent.sleep(0)
        finally:
            self._serving = False
