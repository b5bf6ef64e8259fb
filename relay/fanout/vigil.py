"""Vigil: polls that wait until something has changed for their symbols.

Those who ask for the same symbols wait for one event, and all are answered at a tick of the clock. So they
keep step: their next questions are equal again, and one answer serves them, here or in a cache on the way.
"""

from collections.abc import Iterable

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from relay.clock import Clock
from relay.fanout.door import Full
from relay.fanout.terms import Symbols
from relay.refusals import Refusals
from relay.ticker import Ticker
from relay.turn import give_turn

#: Polls of one worker that wait at a time: half of the connections that are no streams.
MAX_WAITING = 1000
#: Seconds between two ticks.
TICK_SECONDS = 0.25


class _Watch:
    """Those who wait for the same symbols."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.waiting = 0
        self.changed = Event()


class Vigil:
    """All polls of one worker that wait."""

    def __init__(self, clock: Clock, refusals: Refusals) -> None:
        self._clock = clock
        self._refusals = refusals
        self._watches: dict[Symbols, _Watch] = {}
        self._wanting: dict[str, set[_Watch]] = {}
        self._due: set[_Watch] = set()
        self._ticking = False
        # Those who waited go on one by one: streams have their turns in between.
        self._turnstile = BoundedSemaphore(1)

    def __len__(self) -> int:
        """How many polls wait."""
        return sum(watch.waiting for watch in self._watches.values())

    def wait(self, symbols: Symbols, seconds: float) -> None:
        """Returns after the next update of any of these symbols (None: of any), or after `seconds`.

        Raises Full where too many wait.
        """
        if len(self) >= MAX_WAITING:
            self._refusals.count("WAITING_POLLS")
            raise Full("as many polls wait here as may; ask without wait")
        watch = self._enter(symbols)
        try:
            changed = watch.changed.wait(seconds)
        finally:
            self._leave(watch)
        if changed:
            with self._turnstile:
                give_turn()

    def note(self, updates: Iterable[Ticker]) -> None:
        """These have come."""
        if not self._watches:
            return
        watches, wanting = self._watches, self._wanting
        if None in watches:
            self._due.add(watches[None])
        if wanting:
            for ticker in updates:
                self._due.update(wanting.get(ticker.symbol, ()))
        if self._due and not self._ticking:
            self._ticking = True
            gevent.spawn_later(TICK_SECONDS - self._clock.monotonic() % TICK_SECONDS, self._tick)

    def note_all(self) -> None:
        """Anything may have changed."""
        for watch in list(self._watches.values()):
            self._end(watch)

    def _tick(self) -> None:
        self._ticking = False
        due, self._due = self._due, set()
        for watch in due:
            self._end(watch)

    def _end(self, watch: _Watch) -> None:
        """Whoever comes from here on waits for what comes after that."""
        watch.changed.set()
        self._forget(watch)

    def _enter(self, symbols: Symbols) -> _Watch:
        watch = self._watches.get(symbols)
        if watch is None:
            watch = self._watches[symbols] = _Watch(symbols)
            for symbol in symbols or ():
                self._wanting.setdefault(symbol, set()).add(watch)
        watch.waiting += 1
        return watch

    def _leave(self, watch: _Watch) -> None:
        watch.waiting -= 1
        if not watch.waiting:
            self._forget(watch)

    def _forget(self, watch: _Watch) -> None:
        if self._watches.get(watch.symbols) is not watch:
            return
        del self._watches[watch.symbols]
        for symbol in watch.symbols or ():
            wanting = self._wanting[symbol]
            wanting.discard(watch)
            if not wanting:
                del self._wanting[symbol]
