"""Turns: how much of what is asked for is done until the event loop looks at its sockets again.

However many requests, commands and handshakes come at once, on one connection or on a thousand, prices and
whoever else has something to say wait no longer than for a few of them. A probe waits for one of each other
kind at most. Whoever restarts and routes by it would else take a busy worker for a dead one.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import TypeAlias

import gevent
from gevent.hub import Waiter

from relay.turn import give_turn

#: The key under which a view finds the worker's Turns in the WSGI environ.
KEY = "relay.server.turns"
#: Seconds of one look in which requests, commands and handshakes begin.
TURN_SECONDS = 0.002

#: Those that wait, in the order in which they came.
Lane: TypeAlias = "deque[Waiter[None]]"


class FairLane:
    """What waits, of many visitors: those of one in the order in which they came, the visitors by turns."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, Lane] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, whose: Hashable, waiter: "Waiter[None]") -> None:
        """At the end of its visitor's line."""
        self._lines.setdefault(whose, deque()).append(waiter)

    def popleft(self) -> "Waiter[None]":
        """The first one of the visitor whose turn it is. Raises KeyError where nobody waits."""
        whose, line = self._lines.popitem(last=False)
        waiter = line.popleft()
        if line:
            self._lines[whose] = line
        return waiter


class Turns:
    """Lets those of a lane begin in the order in which they asked to; those of its lanes by turns."""

    __slots__ = (
        "_clock",
        "_is_open",
        "_lanes",
        "_looks",
        "_serving",
        "_until",
        "commands",
        "handshakes",
        "pages",
        "probes",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Belongs to the event loop of whoever makes it. `clock()` is in seconds and never goes back."""
        self._clock = clock
        #: Requests for whatever is no probe.
        self.pages: Lane = deque()
        self.probes: Lane = deque()
        #: What is said over WebSockets: nobody waits for all that others say.
        self.commands = FairLane()
        #: Of TLS. One costs as much as a page, and nobody is known yet but by address.
        self.handshakes = FairLane()
        self._lanes: deque[Lane | FairLane] = deque(
            [self.pages, self.probes, self.commands, self.handshakes]
        )
        self._serving = False
        # Whether one has begun since the last look, and until when others may.
        self._is_open = False
        self._until = 0.0
        self._looks = gevent.get_hub().loop.check(ref=False)

    def wait(self, lane: Lane) -> None:
        """Return once the caller may begin: one at least for each look at the sockets."""
        self._wait(lane.append)

    def wait_as(self, whose: Hashable, lane: FairLane) -> None:
        """The same among those of a lane that knows its visitors."""
        self._wait(lambda waiter: lane.add(whose, waiter))

    def _wait(self, add: "Callable[[Waiter[None]], None]") -> None:
        if not self._serving and self._may_begin():
            return
        waiter: Waiter[None] = Waiter()
        add(waiter)
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
            while any(self._lanes):
                while not self._may_begin():
                    give_turn()
                loop.run_callback(self._next().switch, None)
                # It goes first.
                gevent.sleep(0)
        finally:
            self._serving = False

    def _next(self) -> "Waiter[None]":
        """The one that begins now, of a lane where somebody waits."""
        lanes = self._lanes
        lanes.rotate(-1)
        while not lanes[0]:
            lanes.rotate(-1)
        return lanes[0].popleft()
