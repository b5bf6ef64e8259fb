"""The in-process demands: the workers' side and the listener's are in the same process."""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain

import gevent
from gevent.event import Event

from relay.clock import SYSTEM, Clock
from relay.store.contract import Refused, Unanswered
from relay.store.waits import Waits, is_name, unanswered, wait_for_all

#: Demands that wait for their turn at most.
MAX_DEMANDS = 1_000
_FULL = f"{MAX_DEMANDS} others wait for their turn already"
#: Refusals that are remembered at most; the oldest goes first.
MAX_REFUSALS = 1_000
#: Seconds after which a demand that was taken may be made again: whoever took it has failed.
TAKEN_SECONDS = 15.0


class MemoryDemands:
    """Both sides: see Demands and Orders."""

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._waits = Waits()
        #: Those that wait for their turn, the oldest first; the value means nothing.
        self._urgent: OrderedDict[str, None] = OrderedDict()
        self._others: OrderedDict[str, None] = OrderedDict()
        #: Name: when it was taken.
        self._taken: OrderedDict[str, float] = OrderedDict()
        #: Name: why, and until when.
        self._refused: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._bell = Event()

    def ask(self, names: Sequence[str], seconds: float, *, urgent: bool = True) -> None:
        """Demands these, and waits until each is answered. See Demands."""
        with self._waits.joined(names, urgent) as waits:
            for name, wait in waits.items():
                if not wait.over.is_set():
                    self._demand(name, urgent)
            late = wait_for_all(waits, seconds)
        if late:
            raise unanswered(self._place(frozenset(late)), seconds)

    def post(self, names: Sequence[str], *, urgent: bool = True) -> None:
        """Demands these, and does not wait. See Demands."""
        for name in names:
            if is_name(name):
                self._demand(name, urgent)

    def take(self, seconds: float) -> str | None:
        """The demand whose turn it is, waiting for one. See Orders."""
        return gevent.with_timeout(seconds, self._wait_for_next, timeout_value=None)

    def answer(self, name: str) -> None:
        """What was demanded stands in the archive. See Orders."""
        self._forget(name)
        self._refused.pop(name, None)
        self._waits.end(name)

    def refuse(self, name: str, reason: str, seconds: float) -> None:
        """It cannot be had, and asking again within so many seconds is no use. See Orders."""
        self._forget(name)
        self._refused.pop(name, None)
        self._refused[name] = (reason, self._clock.monotonic() + seconds)
        if len(self._refused) > MAX_REFUSALS:
            self._refused.popitem(last=False)
        self._waits.end(name, Refused, reason)

    def _demand(self, name: str, urgent: bool) -> None:
        """Ranks it in, unless it is known already what becomes of it."""
        now = self._clock.monotonic()
        reason, until = self._refused.get(name, ("", now))
        if now < until:
            self._waits.end(name, Refused, reason)
        elif name in self._urgent or now < self._taken.get(name, -TAKEN_SECONDS) + TAKEN_SECONDS:
            return
        elif name in self._others:
            if urgent:
                del self._others[name]
                self._urgent[name] = None
        elif not self._has_room(urgent):
            self._waits.end(name, Unanswered, _FULL)
        else:
            (self._urgent if urgent else self._others)[name] = None
            self._bell.set()

    def _has_room(self, urgent: bool) -> bool:
        """Where there is none for one that is urgent, the last goes that is not."""
        if len(self._urgent) + len(self._others) < MAX_DEMANDS:
            return True
        if not urgent or not self._others:
            return False
        name, _ = self._others.popitem()
        self._waits.end(name, Unanswered, _FULL)
        return True

    def _wait_for_next(self) -> str:
        while (name := self._next()) is None:
            self._bell.clear()
            self._bell.wait()
        return name

    def _next(self) -> str | None:
        for waiting in (self._urgent, self._others):
            if waiting:
                name, _ = waiting.popitem(last=False)
                self._taken[name] = self._clock.monotonic()
                if len(self._taken) > MAX_DEMANDS:
                    self._taken.popitem(last=False)
                return name
        return None

    def _forget(self, name: str) -> None:
        self._urgent.pop(name, None)
        self._others.pop(name, None)
        self._taken.pop(name, None)

    def _place(self, names: frozenset[str]) -> int:
        """How many come before the last of these, as they are answered now."""
        order = enumerate(chain(self._urgent, self._others))
        return max((place for place, name in order if name in names), default=0)
