"""Feed: our one source of prices at a time, and what to do when it fails.

Sources stand in order of preference. One greenlet decides, step by step, which session is the current
one; sessions read by themselves. A new one delivers before the old one is closed: when its time is up,
when the exchange announces a shutdown, and when a better source is back.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from gevent.event import Event

from relay.absences import never
from relay.batch import DOWN_SECONDS
from relay.clock import SYSTEM, Clock
from relay.config import SIMULATOR
from relay.exchange.failure import REFUSED_SECONDS, FeedError
from relay.exchange.overlap import Overlap, newest_time
from relay.exchange.session import Session
from relay.exchange.source import Source
from relay.exchange.streams import Plan
from relay.feed_status import FeedStatus
from relay.ticker import Ticker

log = logging.getLogger(__name__)

#: The share of its time by which a session is replaced earlier or later, drawn at random.
ROTATE_JITTER = 0.015
#: Seconds without data for which prices stay live while a connection that ended is made anew.
RECONNECT_SECONDS = 2.0
#: Latencies that are kept between two looks.
MAX_LATENCIES = 1_000
#: Silent symbols that are named at most.
_NAMED = 10

_State = Literal["live", "stale", "down"]


class Feed:
    """Keeps one session flowing into `take`."""

    def __init__(
        self,
        sources: Sequence[str],
        plan: Callable[[str], Plan],
        take: Callable[[list[Ticker]], None],
        announce: Callable[[bool, bool], None],
        *,
        silence: float,
        rotate: float,
        lost: Callable[[], None] = lambda: None,
        patience: Callable[[str], float] = lambda symbol: 0.0,  # noqa: ARG005
        simulator: Callable[[], str] | None = None,
        tap: Callable[[bytes, int], None] | None = None,
        away: Callable[[float], float] = never,
        clock: Clock = SYSTEM,
    ) -> None:
        """`take` is given tickers. `announce` is called before the first ones of a session: are they
        simulated, and was there a time without a session before? `lost` is called when such a time
        starts. A session is dead after `silence` seconds without data, and replaced after `rotate`
        seconds. `patience` says how many seconds a symbol may be silent. `simulator` starts one and
        returns its URL, for the entry `simulator:`; `tap` as in Session. `away`: for how many
        seconds since a moment this process did not run; see Absences.
        """
        self._clock = clock
        self._sources = [Source(url, rank, clock) for rank, url in enumerate(sources)]
        self._plan = plan
        self._pass_on = take
        self._announce = announce
        self._lost = lost
        self._patience = patience
        self._silence = silence
        self._rotate = rotate
        self._simulator = simulator
        self._tap = tap
        self._away = away
        #: How often a session took over from another without a time between them.
        self.rotations = 0
        #: How often prices came from another source than before.
        self.switches = 0
        #: Connections that failed or ended, by FeedError.cause.
        self.failures: Counter[str] = Counter()
        #: Seconds from the exchange's stamp to our reading it, at the newest of each message, since somebody
        #: looked last: MAX_LATENCIES at most.
        self.latencies: list[float] = []
        self._last_source: Source | None = None
        self._current: Session | None = None
        self._current_source = self._sources[0]
        self._promoted = 0.0
        self._rotate_at = 0.0
        self._next: Session | None = None
        self._next_source = self._sources[0]
        # There is one only beside a current one, and of its kind.
        self._leaving: Overlap | None = None
        self._heard: float | None = None
        self._latency: int | None = None
        # Whether what was taken in last is simulated: it stays so when the session is gone.
        self._simulated = False
        self._reason = "not connected yet"
        self._said = "down"
        self._wake = Event()
        self._stopped = False

    def status(self) -> FeedStatus:
        """What to tell everybody downstream, now."""
        age = None if self._heard is None else round(self._clock.monotonic() - self._heard, 3)
        session = self._current
        if session is None:
            return self._unconnected(age)
        if session.is_stale:
            return self._status("stale", session.shown, age, f"no data for {session.age:.0f} s")
        unheard = session.unheard(self._patience)
        if not unheard:
            return self._status("live", session.shown, age, "")
        more = f" and {len(unheard) - _NAMED} more" if len(unheard) > _NAMED else ""
        reason = f"nothing came yet of {', '.join(unheard[:_NAMED])}{more}"
        state: _State = "stale" if len(unheard) == len(session.symbols) else "live"
        return self._status(state, session.shown, age, reason)

    @property
    def url(self) -> str:
        """The URL in use or being tried: not to be told."""
        return self._next_source.url if self._current is None else self._current.url

    @property
    def overlaps(self) -> bool:
        """Whether a session is read yet that another one took over from."""
        return self._leaving is not None

    def mark(self, simulated: bool) -> None:
        """What is held by now is simulated, or not, though no session has sent it: REST did, or a store.

        `status` says so from here on, in every state, until a session of the other kind takes over.
        """
        self._simulated = simulated

    def run(self) -> None:
        """Decides for ever, or until `stop`. Needs a greenlet of its own."""
        self._lost()
        while not self._stopped:
            self._wake.clear()
            self._drop_ended()
            self._close_left()
            if self._next is None:
                self._open_next()
            self._say()
            self._wake.wait(self._until_next_step())

    def stop(self) -> None:
        """Ends `run` and every connection."""
        self._stopped = True
        left = None if self._leaving is None else self._leaving.session
        for session in (self._current, self._next, left):
            if session is not None:
                session.close()
        self._wake.set()

    def take(self, session: Session, tickers: list[Ticker]) -> None:
        """See session.Watcher. Called in the greenlets that read."""
        if session is self._next and session.error is None:
            if session.complete or self._current is None:
                self._promote(session, tickers)
        elif self._leaving is not None and session is self._leaving.session:
            self._leaving.hear(tickers)
            if self._leaving.caught_up:
                self._wake.set()
        if session is self._current or self._is_leaving(session):
            self._heard = self._clock.monotonic()
            if tickers:
                newest = tickers[-1]
                if newest.event_time is not None:
                    latency = self._latency = max(0, newest.received_time - newest.event_time)
                    if len(self.latencies) < MAX_LATENCIES:
                        self.latencies.append(latency / 1000)
                self._pass_on(tickers)

    def notice(self, session: Session) -> None:
        """See session.Watcher."""
        del session
        self._wake.set()

    def _promote(self, session: Session, first: list[Ticker]) -> None:
        """The next session has its data: from here on it is the current one."""
        # One that ended a moment ago left a gap.
        self._drop_ended()
        before, self._current, self._next = self._current, session, None
        now = self._clock.monotonic()
        left_unsaid = self._leaving is not None and not self._leaving.caught_up
        self._close_leaving()
        if left_unsaid:
            self._lost()
        if before is not None:
            self._current_source.lasted(now - self._promoted)
            if before.simulated == session.simulated:
                self.rotations += 1
                since = newest_time(first) if session.at_once else 0
                self._leaving = Overlap(
                    before, self._current_source, self._promoted, since, self._clock
                )
            else:
                before.close()
        self._current_source = self._next_source
        if self._last_source not in (None, self._current_source):
            self.switches += 1
        self._last_source = self._current_source
        self._promoted = now
        self._rotate_at = now + self._rotate * random.uniform(1 - ROTATE_JITTER, 1 + ROTATE_JITTER)
        again = before is not None and before.url == session.url
        log.log(
            logging.WARNING if session.simulated and not again else logging.INFO,
            "%s from %s%s",
            "SIMULATED prices" if session.simulated else "prices",
            session.shown,
            " over a new connection" if again else "",
        )
        self._simulated = session.simulated
        self._announce(session.simulated, before is None or left_unsaid)
        self._wake.set()

    def _is_leaving(self, session: Session) -> bool:
        return self._leaving is not None and session is self._leaving.session

    def _close_left(self) -> None:
        """Closes the session that was left, once it has caught up or its time is up."""
        left = self._leaving
        if left is None or not left.is_over():
            return
        # In the turns that were given another one may have come, or the current one ended.
        if self._leaving is left and self._current is not None and self._current.error is None:
            self._close_leaving()

    def _close_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.session.close()
            self._leaving = None

    def _go_back(self, left: Overlap) -> None:
        """The session that was left still delivers: it is the current one again, without a gap."""
        self._current, self._current_source = left.session, left.source
        self._promoted = left.promoted
        self._leaving = None
        self._rotate_at = self._clock.monotonic()
        log.info("prices from %s over the older connection again", left.session.shown)
        self._announce(left.session.simulated, False)

    def _drop_ended(self) -> None:
        if self._next is not None and self._next.error is not None:
            self._next_source.failed(self._next.error)
            self.failures[self._next.error.cause] += 1
            if self._current is None:
                self._reason = str(self._next.error)
            self._next = None
        left = self._leaving
        if left is not None and left.session.error is not None:
            self._leaving = None
            if self._current is not None and self._current.error is None and not left.caught_up:
                # What it had not said yet came before the current one began.
                self._lost()
                self._announce(self._current.simulated, True)
        if self._current is not None and self._current.error is not None:
            error = self._current.error
            self.failures[error.cause] += 1
            self._current_source.broke(error, self._clock.monotonic() - self._promoted)
            self._reason = str(error)
            self._current = None
            if self._leaving is not None:
                self._go_back(self._leaving)
            else:
                self._lost()

    def _open_next(self) -> None:
        """Opens a session where one is wanted and a source may be tried."""
        for source in self._candidates():
            if self._wait_for(source) <= 0:
                self._next_source = source
                try:
                    self._next = self._session(source)
                except FeedError as error:
                    source.failed(error)
                    self._reason = str(error)
                    continue
                return

    def _candidates(self) -> list[Source]:
        """The sources worth trying at present, the best first."""
        if self._current is None or self._current.retiring:
            return self._sources
        # While one is still read that was left, a third would end it before it has caught up.
        due = self._leaving is None and self._clock.monotonic() >= self._rotate_at
        return self._sources[: self._current_source.rank + due]

    def _wait_for(self, source: Source) -> float:
        """Seconds until a candidate may be tried."""
        in_need = self._current is None or source.rank >= self._current_source.rank
        return source.wait if in_need else source.damped

    def _until_next_step(self) -> float | None:
        """Seconds until something is due by itself; None if nothing is."""
        due = [self._wait_for(source) for source in self._candidates() if self._next is None]
        if self._leaving is not None:
            due.append(self._leaving.seconds)
        if self._current is not None:
            due.append(self._silence / 4)
            if self._rotate_at > self._clock.monotonic():
                due.append(self._rotate_at - self._clock.monotonic())
        elif self._heard is not None:
            # What we are changes by itself, long before a source that refuses may be tried again.
            age = self._clock.monotonic() - self._heard
            due += [limit - age for limit in (RECONNECT_SECONDS, DOWN_SECONDS) if limit > age]
        return max(min(due), 0.01) if due else None

    def _session(self, source: Source) -> Session:
        url = source.url
        if url == SIMULATOR:
            if self._simulator is None:
                raise FeedError("no simulator can be started here", REFUSED_SECONDS)
            try:
                url = self._simulator()
            except OSError as error:
                raise FeedError(str(error)) from error
        return Session(url, self._plan(url), self._silence, self, self._tap, self._clock)

    def _unconnected(self, age: float | None) -> FeedStatus:
        """Prices are as old as they are, whatever became of the connection: a moment is no outage."""
        source = self._next_source.shown
        if age is None or age >= DOWN_SECONDS:
            return self._status("down", source, age, self._reason)
        state: _State = "live" if age < RECONNECT_SECONDS else "stale"
        return self._status(state, source, age, f"reconnecting ({self._reason})")

    def _status(self, state: _State, source: str, age: float | None, reason: str) -> FeedStatus:
        why = f"exchange: {reason}" if reason else ""
        if state != "live" and (away := self._excuse()):
            why = f"listener: it did not run for {away:.0f} s, and reads again"
        return FeedStatus(state, self._simulated, source, age, why, self._latency)

    def _excuse(self) -> float:
        """Seconds since the last data in which this process did not run, where we would have been live
        without them; else 0."""
        if self._heard is None:
            return 0.0
        away = self._away(self._heard)
        listened = self._clock.monotonic() - self._heard - away
        return away if listened < RECONNECT_SECONDS else 0.0

    def _say(self) -> None:
        """One line for each change of what we are."""
        status = self.status()
        if status.state == self._said:
            return
        if status.state == "live":
            log.info("the feed is live")
        else:
            log.warning("the feed is %s: %s", status.state, status.reason)
        self._said = status.state
