"""Vigil: polls that wait until something has changed for their symbols.

Those who ask for the same symbols wait for one event, and all are answered at a tick of the clock. So they
keep step: their next questions are equal again, and one answer serves them, here or in a cache on the way.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager, nullcontext

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from relay.clock import Clock
from relay.fanout.door import Full
from relay.fanout.terms import Symbols
from relay.refusals import Refusals
from relay.ticker import Ticker
from relay.turn import give_turn

#: Units of one worker's polls that wait at a time: half of the connections that are no streams.
MAX_WAITING = 1000
#: A poll is one unit, and one more for so many names.
NAMES_A_UNIT = 64
#: Seconds between two ticks.
TICK_SECONDS = 0.25

#: Holds what ends a poll's wait, for as long as it waits, where its slot may be needed for others.
GivesWay = Callable[[Callable[[], None]], AbstractContextManager[None]]


class _Poll:
    """One that waits."""

    __slots__ = ("ended", "holder", "units", "watch")

    def __init__(self, watch: "_Watch", holder: Hashable) -> None:
        self.watch = watch
        self.holder = holder
        self.units = _units(watch.symbols)
        self.ended = Event()


class _Watch:
    """Those who wait for the same symbols, who came first in front."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.polls: dict[_Poll, None] = {}


class Vigil:
    """All polls of one worker that wait."""

    def __init__(self, clock: Clock, refusals: Refusals) -> None:
        self._clock = clock
        self._refusals = refusals
        # Who came first is in front.
        self._polls: dict[_Poll, None] = {}
        self._units: Counter[Hashable] = Counter()
        self._watches: dict[Symbols, _Watch] = {}
        self._wanting: dict[str, set[_Watch]] = {}
        self._due: set[_Watch] = set()
        self._ticking = False
        # Those who waited go on one by one: streams have their turns in between.
        self._turnstile = BoundedSemaphore(1)

    def __len__(self) -> int:
        """How many polls wait."""
        return len(self._polls)

    def wait(
        self,
        symbols: Symbols,
        seconds: float,
        holder: Hashable = None,
        gives_way: GivesWay = lambda _: nullcontext(),
    ) -> None:
        """Returns after the next update of any of these symbols (None: of any), or after `seconds`; sooner
        where others need what it holds.

        Raises Full where too many wait, and no other holder has more of them than this one would have.
        """
        self._make_room(holder, _units(symbols))
        poll = self._enter(symbols, holder)
        try:
            with gives_way(lambda: self._end(poll)):
                ended = poll.ended.wait(seconds)
        finally:
            self._leave(poll)
        if ended:
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
        for poll in list(self._polls):
            self._end(poll)

    def _tick(self) -> None:
        self._ticking = False
        due, self._due = self._due, set()
        for watch in due:
            for poll in list(watch.polls):
                self._end(poll)

    def _make_room(self, holder: Hashable, units: int) -> None:
        """Ends waits of whoever has most."""
        while sum(self._units.values()) + units > MAX_WAITING:
            other, most = max(self._units.items(), key=lambda each: each[1], default=(holder, 0))
            if self._units.get(holder, 0) + units >= most:
                self._refusals.count("WAITING_POLLS")
                raise Full("as many polls wait here as may; ask without wait")
            self._end(next(poll for poll in self._polls if poll.holder == other))

    def _end(self, poll: _Poll) -> None:
        """Whoever comes from here on waits for what comes after that."""
        poll.ended.set()
        self._leave(poll)

    def _enter(self, symbols: Symbols, holder: Hashable) -> _Poll:
        watch = self._watches.get(symbols)
        if watch is None:
            watch = self._watches[symbols] = _Watch(symbols)
            for symbol in symbols or ():
                self._wanting.setdefault(symbol, set()).add(watch)
        poll = _Poll(watch, holder)
        self._polls[poll] = watch.polls[poll] = None
        self._units[holder] += poll.units
        return poll

    def _leave(self, poll: _Poll) -> None:
        if poll not in self._polls:
            return
        del self._polls[poll], poll.watch.polls[poll]
        self._units[poll.holder] -= poll.units
        if not self._units[poll.holder]:
            del self._units[poll.holder]
        if not poll.watch.polls:
            self._forget(poll.watch)

    def _forget(self, watch: _Watch) -> None:
        del self._watches[watch.symbols]
        for symbol in watch.symbols or ():
            wanting = self._wanting[symbol]
            wanting.discard(watch)
            if not wanting:
                del self._wanting[symbol]


def _units(symbols: Symbols) -> int:
    return 1 + len(symbols or ()) // NAMES_A_UNIT
