"""Hub: the fan-out of one worker. What comes from the store goes onto the board, and to whom it is due."""

import logging
import random
from collections.abc import Iterable

import gevent
from gevent.event import Event

from relay.batch import STALE_SECONDS, Batch, Snapshot
from relay.board import Board
from relay.clock import SYSTEM, Clock
from relay.fanout.checksum import NOTHING, Checksum
from relay.fanout.cohort import Cohort
from relay.fanout.counts import Counts
from relay.fanout.crowd import Crowd
from relay.fanout.door import Door, Full
from relay.fanout.encoding import Form
from relay.fanout.health import Health, Verdict
from relay.fanout.news import News
from relay.fanout.recent import Recent
from relay.fanout.registry import Registry
from relay.fanout.rounds import Rounds
from relay.fanout.terms import Terms
from relay.fanout.vigil import Vigil
from relay.feed_status import FeedStatus
from relay.supervise import spawn_essential

log = logging.getLogger(__name__)

#: Seconds between two looks at health; clients are told of a change.
WATCH_SECONDS = 0.25
#: Seconds between two looks at how long the ways to clients are.
WAY_SECONDS = 1.0
#: A client that a heartbeat asked has so many times the time between two heartbeats to answer.
ANSWER_HEARTBEATS = 2.5


class Hub:
    """Knows the newest prices and everyone who wants them."""

    def __init__(
        self,
        health: Health,
        *,
        heartbeat_seconds: float = 12.0,
        stall_seconds: float = 10.0,
        rotate_seconds: float = 0.0,
        door: Door | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """A client is cut when its socket takes no byte for `stall_seconds`; `rotate_seconds`: see Crowd.
        Without a `door` everybody may enter."""
        self.board = Board()
        self.health = health
        self.news = News(self.board, health, heartbeat_seconds)
        self.stall_seconds = stall_seconds
        self.clock = clock
        self.door = Door() if door is None else door
        #: What has happened here.
        self.counts = Counts()
        #: Polls that wait.
        self.vigil = Vigil(clock, self.door.refusals)
        #: Set once a snapshot or a batch has come, be it a batch without updates.
        self.loaded = Event()
        #: Whether this server is about to go away: nobody new shall be sent here.
        self.announced = False
        self._heartbeat_seconds = heartbeat_seconds
        recent = Recent(self.board)
        self._registry = Registry(
            lambda terms: Cohort(self.board, recent, clock, terms, self.counts),
            self.door.refusals,
        )
        self.crowd = Crowd(self._registry, self.door, self.news, self.counts, clock, rotate_seconds)
        self.rounds = Rounds(self._registry, self.news, self.counts, self.door.refusals, clock)
        # Seconds within which those come back that are sent away by a drain; 0 while there is none.
        self._drain_window = 0.0
        # The label, the mark and the hop to blame that clients were told last.
        self._said: tuple[str, bool, str] = ("", False, "")

    def start(self, updates: Iterable[Snapshot | Batch | FeedStatus]) -> None:
        """Begins to take updates in and to send them out."""
        spawn_essential(self._receive, updates)
        spawn_essential(self.rounds.run)
        spawn_essential(self._watch)
        spawn_essential(self._look_at_ways)
        spawn_essential(self._send_heartbeats)

    def take(self, item: Snapshot | Batch | FeedStatus) -> None:
        """Takes a batch or a snapshot onto the board, and makes the cohorts that want it due for a pass.

        A FeedStatus changes only what is known of the feed.
        """
        if isinstance(item, FeedStatus):
            self.health.hear(item)
        elif isinstance(item, Snapshot):
            self._take_snapshot(item)
        else:
            self._take_batch(item)
        self.tell_if_changed()
        if not isinstance(item, FeedStatus):
            self.loaded.set()

    @property
    def draining(self) -> bool:
        """Whether everybody is sent away, or soon will be."""
        return self.announced or self._drain_window > 0

    def verdict(self) -> Verdict:
        """How old the prices are and which hop is to blame, now."""
        return self.health.verdict()

    def begin_at(self, since: str) -> int:
        """The version from which a new client goes on that comes with this id, or with none; 0 is nowhere."""
        version = self.board.version_of(since)
        if since:
            self.counts.resumes["changes" if version else "full"] += 1
        return version

    def refusal(self, form: Form, full: Full, version: int = 0, given: Checksum = NOTHING) -> bytes:
        """What a stream is sent which may not begin: why, and when to come back; it stays at the version that
        it came with. `given`: see Form.end."""
        window = self._drain_window or self.door.window(full)
        bye = self.news.bye(version, window, "" if self._drain_window else str(full))
        return form.end("bye", bye, given)

    def may_compress(self, terms: Terms) -> bool:
        """Whether clients on these terms may share compressed bytes."""
        return self._registry.may_compress(terms)

    def drain(self, seconds: float) -> None:
        """Lets nobody in any more, and sends everyone away within `seconds`, each told when to come back."""
        self._drain_window = self.crowd.return_seconds
        self.door.closed = "this worker is going away; come back, another one answers"
        self.vigil.note_all()
        self.crowd.send_all_away(seconds, self._drain_window)

    def heartbeat(self) -> None:
        """Every client is due a heartbeat; those that do not answer, or whose time is up, are ended."""
        self.rounds.make_heartbeat_due()
        self.crowd.end_overdue(ANSWER_HEARTBEATS * self._heartbeat_seconds)

    def tell_if_changed(self) -> None:
        """Tells everybody how the prices stand, if that is news. Who has just begun to listen does not know
        yet."""
        if not self.health.heard.is_set() and self.health.silent <= STALE_SECONDS:
            return
        verdict = self.verdict()
        news = verdict.label, verdict.simulated, verdict.hop
        if news == self._said:
            return
        self._said = news
        self.vigil.note_all()
        log.log(
            logging.INFO if verdict.label == "live" else logging.WARNING,
            "prices are %s%s",
            verdict.label.upper() if verdict.label == "simulated" else verdict.label,
            verdict.reason and f": {verdict.reason}",
        )
        self.rounds.make_status_due()

    def _receive(self, updates: Iterable[Snapshot | Batch | FeedStatus]) -> None:
        for item in updates:
            self.take(item)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.feed is not None:
            self.health.recall(snapshot.feed)
        anew = self.board.load(snapshot)
        for cohort in self._registry:
            cohort.owe_unknown()
        self.rounds.make_due(self._registry)
        self.vigil.note_all()
        if anew:
            self._start_anew()

    def _take_batch(self, batch: Batch) -> None:
        self.health.hear(batch.feed)
        anew = self.board.apply(batch)
        if batch.updates:
            self.rounds.note_batch(batch.feed.time)
            self.rounds.make_due(self._registry.wanting_all)
            self.vigil.note(batch.updates)
        if self._registry.names_symbols:
            self._owe_to_each(batch)
        if anew:
            self.vigil.note_all()
            self._start_anew()

    def _owe_to_each(self, batch: Batch) -> None:
        """Each update to those who named its symbol."""
        wanting = self._registry.wanting
        due: dict[Cohort, None] = {}
        for entry in enumerate(batch.updates, batch.previous + 1):
            for cohort in wanting(entry[1].symbol):
                cohort.owe(entry)
                due[cohort] = None
        self.rounds.make_due(due)

    def _start_anew(self) -> None:
        for cohort in self._registry:
            cohort.start_anew()
        self.crowd.start_anew()
        self.rounds.make_due(self._registry)

    # Three clocks: a change of the feed is to be told soon; looks at ways are evenly apart, since one that is
    # late judges nobody; heartbeats are drawn at random, so that workers do not send theirs together.

    def _watch(self) -> None:
        while True:
            gevent.sleep(WATCH_SECONDS)
            self.tell_if_changed()
            self.rounds.wake_to_look()

    def _look_at_ways(self) -> None:
        while True:
            gevent.sleep(WAY_SECONDS)
            self.crowd.look_at_ways()

    def _send_heartbeats(self) -> None:
        while True:
            gevent.sleep(self._heartbeat_seconds * random.uniform(0.95, 1.0))
            self.heartbeat()
