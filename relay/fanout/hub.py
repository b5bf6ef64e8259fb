"""Hub: the fan-out of one worker. The board, the cohorts, and one greenlet that runs the passes.

What arrives while a pass runs is taken together in the next: load makes batches larger, not queues
longer.
"""

import logging
import random
import time
from collections.abc import Iterable, Iterator

import gevent
import msgspec
from gevent.event import Event

from relay.batch import Batch, Snapshot
from relay.board import Board
from relay.fanout.client import LINGER_SECONDS, Client
from relay.fanout.cohort import Cohort, CohortKey
from relay.fanout.encoding import Form
from relay.fanout.health import Health, Verdict
from relay.feed_status import FeedStatus
from relay.supervise import spawn_essential

log = logging.getLogger(__name__)

#: A pass gives the event loop a turn when it has held it for so long.
TURN_SECONDS = 0.005
#: After a pass that took longer than this the hub rests for as long as the pass took, to a limit: what
#: comes meanwhile shares one send for each client. Under load a send so carries more, instead of
#: there being more of them; measured at 1,000 clients and 100 updates a second: 1.8 times the
#: deliveries for each second of CPU, for 7 ms of latency.
LONG_PASS_SECONDS = 0.001
MAX_REST_SECONDS = 0.02
#: So many get their heartbeat before prices get their turn again.
COHORTS_PER_BEAT = 50
#: How often health is looked at; clients are told of a change.
WATCH_SECONDS = 0.5
#: Cohorts that may compress, each with 256 KiB of past (zlib, memory usage).
MAX_COMPRESSING = 32
#: A client that is asked by pings must have said something within so many heartbeats.
PONG_BEATS = 2.5
#: Those sent away come back at random within a window: one worker takes so many a second, at least
#: this many seconds.
RETURNS_PER_SECOND = 1000.0
MIN_RETURN_SECONDS = 2.0


class Full(Exception):
    """No further client can be served now; the text says why."""


class Hub:
    """Knows the newest prices and everyone who wants them."""

    def __init__(
        self,
        health: Health,
        *,
        heartbeat_seconds: float = 12.0,
        stall_seconds: float = 10.0,
        max_clients: int = 20_000,
        rotate_seconds: float = 0.0,
    ) -> None:
        """A client is cut when its socket takes no byte for `stall_seconds`, and sent away to come
        back after `rotate_seconds`, give or take a fifth, if that is not 0."""
        self.board = Board()
        self.health = health
        self.stall_seconds = stall_seconds
        #: Counts what clients were told of the feed; one who missed the newest is told on catching up.
        self.told = 0
        self.draining = False
        #: Set once anything was taken onto the board.
        self.loaded = Event()
        self._heartbeat_seconds = heartbeat_seconds
        self._max_clients = max_clients
        self._rotate_seconds = rotate_seconds
        self._cohorts: dict[CohortKey, Cohort] = {}
        self._wanting_all: set[Cohort] = set()
        self._wanting: dict[str, set[Cohort]] = {}
        self._clients: set[Client] = set()
        self._due: dict[Cohort, None] = {}
        # The mode of a status event that everybody is to be told, or nothing.
        self._status_due = ""
        self._beating: list[Cohort] = []
        self._bell = Event()
        self._turn_began = 0.0
        # The label and the hop to blame that clients were told last.
        self._said = ("", "")

    def __len__(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def start(self, updates: Iterable[Snapshot | Batch | FeedStatus]) -> None:
        """Begins to take updates in and to send them out."""
        spawn_essential(self._receive, updates)
        spawn_essential(self._run)
        spawn_essential(self._watch)
        spawn_essential(self._beat)

    def take(self, item: Snapshot | Batch | FeedStatus) -> None:
        """Takes a batch, or a whole state, onto the board; whoever wants it is due for a pass."""
        anew = False
        if isinstance(item, FeedStatus):
            self.health.hear(item)
        elif isinstance(item, Snapshot):
            if item.feed is not None:
                self.health.recall(item.feed)
            anew = self.board.load(item)
            for cohort in self._cohorts.values():
                cohort.lose_notes()
            self._make_due(self._cohorts.values())
        else:
            self.health.hear(item.feed)
            anew = self.board.apply(item)
            if item.updates:
                self._make_due(self._wanting_all)
            if self._wanting:
                self._note(item)
        self._tell_if_changed()
        if anew:
            self._start_anew()
        if not isinstance(item, FeedStatus):
            self.loaded.set()

    def admit(self) -> None:
        """Raises Full where a further client cannot be served now."""
        if self.draining:
            raise Full("this worker is going away; come back, another one answers")
        if len(self._clients) >= self._max_clients:
            raise Full("this worker serves as many streams as it may (MAX_CLIENTS)")

    def may_compress(self, form: Form, symbols: frozenset[str] | None, rate: float) -> bool:
        """Whether this form may be one that compresses: its bytes must be worth sharing, and a past
        costs 256 KiB, so there may be only so many of them."""
        if symbols is not None:
            return False
        compressing = sum(cohort.compresses for cohort in self._wanting_all)
        return compressing < MAX_COMPRESSING or (form, symbols, rate) in self._cohorts

    def enter(
        self, client: Client, form: Form, symbols: frozenset[str] | None, rate: float
    ) -> None:
        """Makes a new client one of ours."""
        self._clients.add(client)
        if self._rotate_seconds:
            client.ends_at = time.monotonic() + self._rotate_seconds * random.uniform(0.8, 1.2)
        client.cohort = self._cohort(form, symbols, rate)
        client.cohort.members.add(client)

    def leave(self, client: Client) -> None:
        """Forgets a client."""
        self._clients.discard(client)
        self._leave_cohort(client)

    def move(
        self,
        client: Client,
        symbols: frozenset[str] | None,
        rate: float,
        version: int,
        first: bytes,
    ) -> None:
        """Gives a client other symbols or another rate, from `version` on, after `first`."""
        self._leave_cohort(client)
        cohort = self._cohort(client.cohort.form, symbols, rate)
        cohort.members.add(client)
        client.move(cohort, version, first)

    def verdict(self) -> Verdict:
        """How old the prices are and which hop is to blame, now."""
        return self.health.verdict()

    def event(self, name: str, **more: object) -> bytes:
        """The JSON of an event that says how things stand."""
        verdict = self.verdict()
        return msgspec.json.encode(
            {
                "event": name,
                "id": self.board.id,
                "time": self.health.now(),
                "heartbeat": self._heartbeat_seconds,
            }
            | more
            | msgspec.structs.asdict(verdict)
        )

    def status_for(self, client: Client) -> bytes:
        """The status event for a client that comes, comes back, or has caught up."""
        if client.version == 0:
            mode = "full"
        else:
            mode = "changes" if client.cohort.missing(client.version) else "none"
        symbols = client.cohort.symbols
        unknown = sorted(s for s in symbols if s not in self.board) if symbols else []
        data = self.event("status", mode=mode, **({"unknown": unknown} if unknown else {}))
        return client.cohort.form.event("status", data)

    def bye(self, window: float = MIN_RETURN_SECONDS) -> bytes:
        """The JSON of a goodbye; `retry` says when to come back, at random within `window` seconds."""
        retry = random.randint(500, 500 + int(1000 * window))
        return msgspec.json.encode({"event": "bye", "id": self.board.id, "retry": retry})

    def drain(self, seconds: float) -> None:
        """Sends everyone away within `seconds`, in random order, each told when to come back."""
        self.draining = True
        clients = list(self._clients)
        random.shuffle(clients)
        window = max(MIN_RETURN_SECONDS, len(clients) / RETURNS_PER_SECOND)
        pause = min(seconds / max(len(clients), 1), 0.002)
        for client in clients:
            self._send_away(client, window)
            gevent.sleep(pause)
        with gevent.Timeout(LINGER_SECONDS + 0.5, False):  # type: ignore[arg-type]
            while self._clients:
                gevent.sleep(0.02)

    def _send_away(self, client: Client, window: float) -> None:
        client.finish(client.cohort.form.end("bye", self.bye(window)))

    def _receive(self, updates: Iterable[Snapshot | Batch | FeedStatus]) -> None:
        for item in updates:
            self.take(item)

    def _note(self, batch: Batch) -> None:
        """Each update to those who named its symbol."""
        wanting, due = self._wanting, self._due
        for entry in enumerate(batch.updates, batch.previous + 1):
            for cohort in wanting.get(entry[1].symbol, ()):
                cohort.note(entry)
                due[cohort] = None
        self._bell.set()

    def _run(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            began = self._turn_began = time.perf_counter()
            if self._status_due:
                self._announce_status()
            self._send_heartbeats()
            due, self._due = self._due, {}
            for cohort in due:
                wait = cohort.next_pass - time.monotonic() if cohort.rate else 0.0
                if wait > 0:
                    self._make_due_later(cohort, wait)
                else:
                    cohort.flush(self._breathe)
            took = time.perf_counter() - began
            if took > LONG_PASS_SECONDS:
                gevent.sleep(min(took, MAX_REST_SECONDS))

    def _announce_status(self) -> None:
        mode, self._status_due = self._status_due, ""
        data = self.event("status", mode=mode)
        self.told += 1
        for cohort in list(self._cohorts.values()):
            cohort.announce("status", data, self._breathe)

    def _send_heartbeats(self) -> None:
        """To some cohorts, the rest in the next round: prices do not wait for all of them."""
        some, self._beating = self._beating[:COHORTS_PER_BEAT], self._beating[COHORTS_PER_BEAT:]
        if some:
            data = self.event("heartbeat")
            for cohort in some:
                cohort.announce("heartbeat", data, self._breathe)
            self._bell.set()

    def _breathe(self) -> None:
        if time.perf_counter() - self._turn_began > TURN_SECONDS:
            gevent.sleep(0)
            self._turn_began = time.perf_counter()

    def _watch(self) -> None:
        while True:
            gevent.sleep(WATCH_SECONDS)
            self._tell_if_changed()

    def _beat(self) -> None:
        while True:
            gevent.sleep(self._heartbeat_seconds * random.uniform(0.95, 1.0))
            self._beating = list(self._cohorts.values())
            self._bell.set()
            self._look_after_clients()

    def _look_after_clients(self) -> None:
        """Ends those who do not answer pings, and those whose time is up."""
        now = time.monotonic()
        for client in list(self._clients):
            last = client.too_quiet(PONG_BEATS * self._heartbeat_seconds)
            if last:
                client.finish(last)
            elif client.ends_at <= now:
                self._send_away(client, MIN_RETURN_SECONDS)

    def _tell_if_changed(self) -> None:
        verdict = self.verdict()
        if (verdict.label, verdict.hop) != self._said:
            self._said = verdict.label, verdict.hop
            log.log(
                logging.INFO if verdict.label == "live" else logging.WARNING,
                "prices are %s %s",
                verdict.label.upper() if verdict.label == "simulated" else verdict.label,
                verdict.reason,
            )
            self._tell(mode="none")

    def _tell(self, mode: str) -> None:
        if self._status_due != "full":
            self._status_due = mode
        self._bell.set()

    def _start_anew(self) -> None:
        for cohort in self._cohorts.values():
            cohort.start_anew()
        for client in self._clients:
            client.version = 0
        self._make_due(self._cohorts.values())
        self._tell(mode="full")

    def _make_due(self, cohorts: Iterable[Cohort]) -> None:
        self._due.update(dict.fromkeys(cohorts))
        self._bell.set()

    def _make_due_later(self, cohort: Cohort, seconds: float) -> None:
        if not cohort.waiting:
            cohort.waiting = True
            gevent.spawn_later(seconds, self._end_wait, cohort)

    def _end_wait(self, cohort: Cohort) -> None:
        cohort.waiting = False
        self._make_due((cohort,))

    def _cohort(self, form: Form, symbols: frozenset[str] | None, rate: float) -> Cohort:
        key = (form, symbols, rate)
        cohort = self._cohorts.get(key)
        if cohort is None:
            cohort = self._cohorts[key] = Cohort(self.board, form, symbols, rate)
            for wanting in self._wanted_by(symbols):
                wanting.add(cohort)
        return cohort

    def _leave_cohort(self, client: Client) -> None:
        cohort = client.cohort
        cohort.drop(client)
        cohort.members.discard(client)
        if cohort.members:
            return
        del self._cohorts[cohort.key]
        self._due.pop(cohort, None)
        for wanting in self._wanted_by(cohort.symbols):
            wanting.discard(cohort)
        for symbol in cohort.symbols or ():
            if not self._wanting[symbol]:
                del self._wanting[symbol]

    def _wanted_by(self, symbols: frozenset[str] | None) -> Iterator[set[Cohort]]:
        if symbols is None:
            yield self._wanting_all
        else:
            for symbol in symbols:
                yield self._wanting.setdefault(symbol, set())
