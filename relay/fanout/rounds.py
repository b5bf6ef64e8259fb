"""Rounds: one greenlet that goes from cohort to cohort, and gives each what is due.

What comes during a round is taken together in the next: load makes batches larger, not queues longer.
"""

from collections.abc import Iterable

import gevent
from gevent.event import Event

from relay.clock import Clock
from relay.fanout.burden import LOOK_SECONDS, Burden
from relay.fanout.cohort import Cohort
from relay.fanout.counts import Counts
from relay.fanout.heartbeats import Heartbeats
from relay.fanout.member import Member
from relay.fanout.news import News
from relay.fanout.pause import Pause
from relay.fanout.registry import Registry
from relay.fanout.schedule import Schedule
from relay.refusals import Refusals
from relay.turn import give_turn

#: Seconds after which a round gives the event loop a turn.
TURN_SECONDS = 0.005


class Rounds:
    """Knows what is due to whom: passes, heartbeats, and words on how the feed is."""

    def __init__(
        self, registry: Registry, news: News, counts: Counts, refusals: Refusals, clock: Clock
    ) -> None:
        self._registry = registry
        self._news = news
        self._counts = counts
        self._refusals = refusals
        self._clock = clock
        self._bell = Event()
        # The cohorts that are due a pass, and since when any is, by the clock; None while none is.
        self._due: dict[Cohort, None] = {}
        self._due_since: float | None = None
        # Slowed ones that are due a pass, which comes after those of all the others.
        self._slowed_due: dict[Cohort, None] = {}
        self._schedule = Schedule()
        self._heartbeats = Heartbeats(clock)
        self._status_due = False
        # Batches that came since the last round began, and when the first of them was written, in
        # milliseconds by the listener's clock; 0 where it does not say.
        self._batches = 0
        self._written = 0
        self._pause = Pause(clock)
        self._burden = Burden()
        self._looked = clock.monotonic()
        # When this round began, or gave its last turn.
        self._turn_began = 0.0

    @property
    def slowings(self) -> int:
        """How often a cohort was slowed, or slowed further."""
        return self._burden.slowings

    def make_due(self, cohorts: Iterable[Cohort]) -> None:
        """These are due a pass."""
        self._due.update(dict.fromkeys(cohorts))
        if self._due_since is None:
            self._due_since = self._clock.monotonic()
        self._bell.set()

    def make_heartbeat_due(self) -> None:
        """To every client."""
        self._heartbeats.make_due(self._registry)
        self._bell.set()

    def make_status_due(self) -> None:
        """Everyone is told how the feed is, by the next round."""
        self._status_due = True
        self._bell.set()

    def note_batch(self, written: int) -> None:
        """A batch with updates has come; the listener wrote it then."""
        if not self._batches:
            self._written = written
        self._batches += 1

    def wake_to_look(self) -> None:
        """Rounds look at the burden in passing; this has one run for it where that is due. What is announced
        amid a pass would end that."""
        if self._is_look_due():
            self._bell.set()

    def run(self) -> None:
        """Goes round whenever anything is due, for ever. Needs a greenlet of its own."""
        while True:
            self._bell.wait(self._schedule.seconds_left(self._clock.monotonic()))
            self._bell.clear()
            began = self._clock.monotonic()
            batches, self._batches = self._batches, 0
            written, self._written = self._written, 0
            self.go_round()
            if written:
                self._counts.wrote(max(0, self._clock.wall_ms() - written) / 1000)
            pause = self._pause.after(self._clock.monotonic() - began, batches)
            if pause:
                gevent.sleep(pause)
            else:
                give_turn()

    def go_round(self) -> None:
        """Everything that is due now: a status, heartbeats, and a pass for each cohort that is owed one."""
        self._turn_began = self._clock.monotonic()
        if self._status_due:
            self._announce_status()
        self._send_heartbeats()
        if self._is_look_due():
            self.look_at_burden()
        self._due |= dict.fromkeys(self._schedule.take_up(self._clock.monotonic()))
        due, self._due = self._due, {}
        since, self._due_since = self._due_since, None
        for cohort in due:
            if cohort.is_slowed:
                self._slowed_due[cohort] = None
            else:
                self._serve(cohort)
        if since is not None:
            self._burden.note(self._clock.monotonic() - since)
        self._serve_slowed()

    def look_at_burden(self) -> None:
        """Slows those that cost most while this worker is behind, and tells them; or gives it back."""
        now = self._clock.monotonic()
        elapsed, self._looked = now - self._looked, now
        slowings = self._burden.slowings
        for cohort in self._burden.look(self._registry, elapsed):
            said = {"rate": cohort.rate, "slowed": cohort.is_slowed}
            data = self._news.event("status", cohort.settled, mode="none", **said)
            cohort.announce("status", data, self.breathe)
            self.make_due([cohort])
        for _ in range(self._burden.slowings - slowings):
            self._refusals.count("SLOWED")

    def breathe(self) -> None:
        """Gives the event loop a turn if we have held it for long."""
        if self._clock.monotonic() - self._turn_began > TURN_SECONDS:
            give_turn()
            self._turn_began = self._clock.monotonic()

    def _is_look_due(self) -> bool:
        return self._clock.monotonic() - self._looked >= LOOK_SECONDS

    def _serve(self, cohort: Cohort) -> None:
        """A pass for a cohort, unless its rate puts it off."""
        if cohort.outdated:
            cohort.start_anew()
        if cohort.void:
            self._announce_void(cohort)
        if cohort.rate and cohort.next_pass > self._clock.monotonic():
            self._schedule.put_off(cohort)
        else:
            cohort.flush(self.breathe)

    def _serve_slowed(self) -> None:
        """For a while; then the others come first again."""
        until = self._clock.monotonic() + TURN_SECONDS
        while self._slowed_due and self._clock.monotonic() <= until:
            cohort = next(iter(self._slowed_due))
            del self._slowed_due[cohort]
            self._serve(cohort)
        if self._slowed_due:
            self._bell.set()

    def _announce_status(self) -> None:
        self._status_due = False
        self._news.told += 1
        for cohort in self._registry:
            data = self._news.event("status", cohort.settled, mode="none")
            self._inform(cohort, cohort.announce("status", data, self.breathe))

    def _announce_void(self, cohort: Cohort) -> None:
        data = self._news.status(0, cohort.symbols, cohort.rate, 0)
        self._inform(cohort, cohort.announce_void("status", data, self.breathe))

    def _inform(self, cohort: Cohort, told: list[Member]) -> None:
        """Remembers who was told, unless a new epoch came meanwhile: then all must be told anew."""
        if not cohort.void:
            for member in told:
                member.informed()

    def _send_heartbeats(self) -> None:
        for cohort in self._heartbeats.of_this_round():
            data = self._news.event("heartbeat", cohort.settled)
            began = self._clock.monotonic()
            for member in cohort.announce("heartbeat", data, self.breathe):
                member.asked(began)
        if self._heartbeats:
            self._bell.set()
