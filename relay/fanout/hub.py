"""Hub: the fan-out of one worker. The board, the cohorts, and one greenlet that runs the passes.

What arrives while a pass runs is taken together in the next: load makes batches larger, not queues
longer.
"""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import gevent
from gevent.event import Event

from relay.batch import Batch, Snapshot
from relay.board import Board
from relay.clock import SYSTEM, Clock
from relay.fanout.burden import LOOK_SECONDS, Burden
from relay.fanout.checksum import NOTHING, Checksum
from relay.fanout.client import LINGER_SECONDS, Client
from relay.fanout.cohort import Cohort
from relay.fanout.counts import KINDS, Counts
from relay.fanout.cut import Cut
from relay.fanout.door import Door, Full
from relay.fanout.encoding import Form
from relay.fanout.guest import Guest
from relay.fanout.health import Health, Verdict
from relay.fanout.member import Member
from relay.fanout.news import MIN_RETURN_SECONDS, News
from relay.fanout.pause import Pause
from relay.fanout.recent import Recent
from relay.fanout.registry import Registry
from relay.fanout.schedule import Schedule
from relay.fanout.terms import Terms
from relay.fanout.vigil import Vigil
from relay.feed_status import FeedStatus
from relay.supervise import spawn_essential
from relay.turn import give_turn

log = logging.getLogger(__name__)

#: Seconds after which a pass gives the event loop a turn.
TURN_SECONDS = 0.005
#: Cohorts that are sent their heartbeat in one turn; prices come between two turns.
HEARTBEATS_PER_TURN = 50
#: Seconds after which a heartbeat that is due does not wait for another turn.
HEARTBEAT_SLACK_SECONDS = 1.0
#: Seconds between two looks at health; clients are told of a change.
WATCH_SECONDS = 0.25
#: Seconds between two looks at how long the ways to clients are.
WAY_SECONDS = 1.0
#: Clients whose ways are looked at in one turn: about 1 ms.
WAYS_PER_TURN = 2000
#: Between two looks from which on this worker did not run, and may not have read who answered.
WAY_AWAY_SECONDS = 1.5
#: A client that a heartbeat asked has so many times the time between two heartbeats to answer.
ANSWER_HEARTBEATS = 2.5
#: Clients that one worker takes back a second: those sent away come back within a window of that size.
RETURNS_PER_SECOND = 1000.0
#: The longest pause between two goodbyes, in seconds.
_GOODBYE_PAUSE_SECONDS = 0.002


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
        """A client is cut when its socket takes no byte for `stall_seconds`, and sent away to come
        back after `rotate_seconds`, give or take a fifth, if that is not 0. Without a `door` everybody
        may enter."""
        self.board = Board()
        self.health = health
        self.news = News(self.board, health, heartbeat_seconds)
        self.stall_seconds = stall_seconds
        self.clock = clock
        self.door = Door() if door is None else door
        #: Told of every stream that ends: its transport and form, its seconds, the updates that its cohort
        #: was given meanwhile, and the id of its request.
        self.ended: Callable[[str, str, float, int, str], None] | None = None
        #: What has happened here.
        self.counts = Counts()
        #: Polls that wait.
        self.vigil = Vigil(clock, self.door.refusals)
        #: Seconds within which those come back that are sent away by a drain; 0 while there is none.
        self._drain_window = 0.0
        #: Set once a snapshot or a batch has come, be it a batch without updates.
        self.loaded = Event()
        #: Whether this server is about to go away: nobody new shall be sent here.
        self.announced = False
        self._heartbeat_seconds = heartbeat_seconds
        self._rotate_seconds = rotate_seconds
        recent = Recent(self.board)
        self._registry = Registry(
            lambda terms: Cohort(self.board, recent, clock, terms, self.counts),
            self.door.refusals,
        )
        self._clients: set[Client] = set()
        self._due: dict[Cohort, None] = {}
        self._schedule = Schedule()
        self._status_due = False
        # The cohorts that are due a heartbeat, and since when; those that wait longest come first.
        self._without_heartbeat: dict[Cohort, float] = {}
        self._bell = Event()
        self._pause = Pause(clock)
        self._burden = Burden()
        self._looked = self._looked_at_ways = clock.monotonic()
        # Since when anything is due a pass, by the clock; None while nothing is.
        self._due_since: float | None = None
        # Slowed cohorts that are due a pass, which comes after those of all the others.
        self._slowed_due: dict[Cohort, None] = {}
        # Batches that came since the last pass began, and when the first of them was written, in
        # milliseconds by the listener's clock; 0 where it does not say.
        self._batches = 0
        self._written = 0
        self._turn_began = 0.0
        # The label, the mark and the hop to blame that clients were told last.
        self._said: tuple[str, bool, str] = ("", False, "")

    def __len__(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def start(self, updates: Iterable[Snapshot | Batch | FeedStatus]) -> None:
        """Begins to take updates in and to send them out."""
        spawn_essential(self._receive, updates)
        spawn_essential(self._run)
        spawn_essential(self._watch)
        spawn_essential(self._send_regularly)
        spawn_essential(self._look_regularly)

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
    def slowings(self) -> int:
        """How often a cohort was slowed, or slowed further."""
        return self._burden.slowings

    @property
    def draining(self) -> bool:
        """Whether everybody is sent away, or soon will be."""
        return self.announced or self._drain_window > 0

    def standing(self, since: str) -> int:
        """The version at which a new client stands that comes with this id, or with none; 0 is nowhere."""
        version = self.board.version_of(since)
        if since:
            goes_on = version and version >= self.board.forgotten
            self.counts.resumes["changes" if goes_on else "full"] += 1
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

    def serve(self, client: Client) -> None:
        """The life of a client that has entered, until it leaves. Needs a greenlet of its own."""
        try:
            client.run()
        finally:
            self.leave(client)
            client.close()

    def enter(self, client: Client, terms: Terms, guest: Guest) -> None:
        """Makes a new client one of ours, or raises Full."""
        self._registry.check(guest, terms)
        self.door.let_in(guest)
        client.guest = guest
        self._clients.add(client)
        if self._rotate_seconds:
            lifetime = self._rotate_seconds * random.uniform(0.8, 1.2)
            client.ends_at = self.clock.monotonic() + lifetime
        client.cohort = self._registry.enter(client, terms, guest)
        self.counts.enter(terms.form.kind)
        client.began = self.clock.monotonic()
        client.before = client.cohort.given

    def leave(self, client: Client) -> None:
        """Forgets a client."""
        if client not in self._clients:
            return
        self._clients.discard(client)
        self.door.let_out(client.guest)
        self.counts.leave(client.cohort.form.kind)
        if self.ended is not None:
            transport, form = KINDS[client.cohort.form.kind]
            seconds = self.clock.monotonic() - client.began
            updates = client.cohort.given - client.before
            self.ended(transport, form, seconds, updates, client.request_id)
        self._registry.leave(client, client.cohort)

    def move(
        self,
        client: Client,
        terms: Terms,
        *,
        version: int,
        lacking: Sequence[str],
        first: bytes,
    ) -> None:
        """Puts a client on other terms, or raises Full. See Client.move."""
        if client not in self._clients or client.leaving:
            return
        self._registry.check(client.guest, terms, client.cohort)
        self._registry.leave(client, client.cohort)
        cohort = self._registry.enter(client, terms, client.guest)
        client.move(cohort, version, lacking, first)

    def verdict(self) -> Verdict:
        """How old the prices are and which hop is to blame, now."""
        return self.health.verdict()

    def drain(self, seconds: float) -> None:
        """Sends everyone away within `seconds`, in random order, each told when to come back."""
        clients = list(self._clients)
        window = max(MIN_RETURN_SECONDS, len(clients) / RETURNS_PER_SECOND)
        self._drain_window = window
        self.door.closed = "this worker is going away; come back, another one answers"
        self.vigil.note_all()
        random.shuffle(clients)
        pause = min(seconds / max(len(clients), 1), _GOODBYE_PAUSE_SECONDS)
        for client in clients:
            self.send_away(client, window)
            gevent.sleep(pause)
        with gevent.Timeout(LINGER_SECONDS + 0.5, False):  # type: ignore[arg-type]
            while self._clients:
                gevent.sleep(0.02)

    def send_away(self, client: Client, window: float = MIN_RETURN_SECONDS) -> None:
        """Tells a client to come back within `window` seconds, and ends its stream."""
        bye = self.news.bye(client.stands_at, window)
        client.finish(client.cohort.form.end("bye", bye, client.given))

    def turn(self) -> None:
        """Everything that is due now: a status, heartbeats, and a pass for each cohort that is owed one."""
        self._turn_began = self.clock.monotonic()
        if self._status_due:
            self._announce_status()
        self._send_heartbeats()
        if self._is_look_due():
            self.look_at_burden()
        self._due |= dict.fromkeys(self._schedule.take_up(self.clock.monotonic()))
        due, self._due = self._due, {}
        since, self._due_since = self._due_since, None
        for cohort in due:
            if cohort.is_slowed:
                self._slowed_due[cohort] = None
            else:
                self._serve(cohort)
        if since is not None:
            self._burden.note(self.clock.monotonic() - since)
        self._serve_slowed()

    def _serve(self, cohort: Cohort) -> None:
        """A pass for a cohort, unless its rate puts it off."""
        if cohort.outdated:
            cohort.start_anew()
        if cohort.void:
            self._announce_void(cohort)
        if cohort.rate and cohort.next_pass > self.clock.monotonic():
            self._schedule.put_off(cohort)
        else:
            cohort.flush(self.breathe)

    def _serve_slowed(self) -> None:
        """For a while; then the others come first again."""
        until = self.clock.monotonic() + TURN_SECONDS
        while self._slowed_due and self.clock.monotonic() <= until:
            cohort = next(iter(self._slowed_due))
            del self._slowed_due[cohort]
            self._serve(cohort)
        if self._slowed_due:
            self._bell.set()

    def _is_look_due(self) -> bool:
        return self.clock.monotonic() - self._looked >= LOOK_SECONDS

    def look_at_burden(self) -> None:
        """Slows those that cost most while this worker is behind, and tells them; or gives it back."""
        now = self.clock.monotonic()
        elapsed, self._looked = now - self._looked, now
        slowings = self._burden.slowings
        for cohort in self._burden.look(self._registry, elapsed):
            said = {"rate": cohort.rate, "slowed": cohort.is_slowed}
            data = self.news.event("status", cohort.settled, mode="none", **said)
            cohort.announce("status", data, self.breathe)
            self._make_due([cohort])
        for _ in range(self._burden.slowings - slowings):
            self.door.refusals.count("SLOWED")

    def breathe(self) -> None:
        """Gives the event loop a turn if we have held it for long."""
        if self.clock.monotonic() - self._turn_began > TURN_SECONDS:
            give_turn()
            self._turn_began = self.clock.monotonic()

    def heartbeat(self) -> None:
        """Every client is due a heartbeat; those that do not answer, or whose time is up, are ended."""
        now = self.clock.monotonic()
        for cohort in self._registry:
            self._without_heartbeat.setdefault(cohort, now)
        self._bell.set()
        for client in list(self._clients):
            last = client.overdue(ANSWER_HEARTBEATS * self._heartbeat_seconds)
            if last:
                client.note(Cut.MUTE)
                client.finish(last)
            elif client.ends_at <= now:
                self.send_away(client)

    def look_at_ways(self) -> None:
        """Each client whose transport can tell is looked at: see Client.look_at_way. Nobody is where this
        worker did not run: their answers lie here unread."""
        clients = list(self._clients)
        for start in range(0, len(clients), WAYS_PER_TURN):
            if start:
                give_turn()
            if self._was_away():
                return
            for client in clients[start : start + WAYS_PER_TURN]:
                if client in self._clients:
                    client.look_at_way()

    def _was_away(self) -> bool:
        now = self.clock.monotonic()
        elapsed, self._looked_at_ways = now - self._looked_at_ways, now
        return elapsed > WAY_AWAY_SECONDS

    def tell_if_changed(self) -> None:
        """Tells everybody how the prices stand, if that is news."""
        verdict = self.verdict()
        news = verdict.label, verdict.simulated, verdict.hop
        if news == self._said:
            return
        self._said = news
        self.vigil.note_all()
        log.log(
            logging.INFO if verdict.label == "live" else logging.WARNING,
            "prices are %s %s",
            verdict.label.upper() if verdict.label == "simulated" else verdict.label,
            verdict.reason,
        )
        self._status_due = True
        self._bell.set()

    def _receive(self, updates: Iterable[Snapshot | Batch | FeedStatus]) -> None:
        for item in updates:
            self.take(item)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if snapshot.feed is not None:
            self.health.recall(snapshot.feed)
        anew = self.board.load(snapshot)
        for cohort in self._registry:
            cohort.owe_unknown()
        self._make_due(self._registry)
        self.vigil.note_all()
        if anew:
            self._start_anew()

    def _take_batch(self, batch: Batch) -> None:
        self.health.hear(batch.feed)
        anew = self.board.apply(batch)
        if batch.updates:
            if not self._batches:
                self._written = batch.feed.time
            self._batches += 1
            self._make_due(self._registry.wanting_all)
            self.vigil.note(batch.updates)
        if self._registry.names_symbols:
            self._owe_to_each(batch)
        if anew:
            self.vigil.note_all()
            self._start_anew()

    def _owe_to_each(self, batch: Batch) -> None:
        """Each update to those who named its symbol."""
        wanting, due = self._registry.wanting, self._due
        for entry in enumerate(batch.updates, batch.previous + 1):
            for cohort in wanting(entry[1].symbol):
                cohort.owe(entry)
                due[cohort] = None
        self._ring()

    def _start_anew(self) -> None:
        for cohort in self._registry:
            cohort.start_anew()
        for client in self._clients:
            client.start_anew()
        self._make_due(self._registry)

    def _run(self) -> None:
        while True:
            self._bell.wait(self._schedule.seconds_left(self.clock.monotonic()))
            self._bell.clear()
            began = self.clock.monotonic()
            batches, self._batches = self._batches, 0
            written, self._written = self._written, 0
            self.turn()
            if written:
                self.counts.wrote(max(0, self.clock.wall_ms() - written) / 1000)
            pause = self._pause.after(self.clock.monotonic() - began, batches)
            if pause:
                gevent.sleep(pause)
            else:
                give_turn()

    def _announce_status(self) -> None:
        self._status_due = False
        self.news.told += 1
        for cohort in self._registry:
            data = self.news.event("status", cohort.settled, mode="none")
            self._inform(cohort, cohort.announce("status", data, self.breathe))

    def _announce_void(self, cohort: Cohort) -> None:
        data = self.news.status(0, cohort.symbols, cohort.rate, 0)
        self._inform(cohort, cohort.announce_void("status", data, self.breathe))

    def _inform(self, cohort: Cohort, told: list[Member]) -> None:
        """Remembers who was told, unless a new epoch came meanwhile: then all must be told anew."""
        if not cohort.void:
            for member in told:
                member.informed()

    def _send_heartbeats(self) -> None:
        """To some cohorts, and to those that have waited long. The others get theirs in a later turn, as
        prices do not wait for all of them."""
        for cohort in self._take_without_heartbeat():
            data = self.news.event("heartbeat", cohort.settled)
            began = self.clock.monotonic()
            for member in cohort.announce("heartbeat", data, self.breathe):
                member.asked(began)
        if self._without_heartbeat:
            self._bell.set()

    def _take_without_heartbeat(self) -> Iterator[Cohort]:
        """A few at a time are looked at: a list of ten thousand in each turn, and the garbage collector would
        look at everything there is, for 130 ms."""
        overdue = self.clock.monotonic() - HEARTBEAT_SLACK_SECONDS
        due = self._without_heartbeat
        while part := list(islice(due, HEARTBEATS_PER_TURN)):
            for cohort in part:
                del due[cohort]
                yield cohort
            if next(iter(due.values()), overdue) > overdue:
                return

    def _watch(self) -> None:
        while True:
            gevent.sleep(WATCH_SECONDS)
            self.tell_if_changed()
            if self._is_look_due():
                # In a turn, not here: what is announced amid a pass would end that.
                self._bell.set()

    def _send_regularly(self) -> None:
        while True:
            gevent.sleep(self._heartbeat_seconds * random.uniform(0.95, 1.0))
            self.heartbeat()

    def _look_regularly(self) -> None:
        while True:
            gevent.sleep(WAY_SECONDS)
            self.look_at_ways()

    def _make_due(self, cohorts: Iterable[Cohort]) -> None:
        self._due.update(dict.fromkeys(cohorts))
        self._ring()

    def _ring(self) -> None:
        if self._due_since is None:
            self._due_since = self.clock.monotonic()
        self._bell.set()
