"""Hundreds of races, each drawn at random from a number: whatever happens in whatever order, a client ends
with what the board holds, no price goes back, and every id is one to resume from."""

import gzip
import random

import pytest

from relay.fanout.encoding import ENTRIES_PER_PIECE
from tests.fanout import Bench, Connection
from tests.long import long_after

NAMES = ["A", "B", "C", "D", "E", "F"]
RACES = 300
STEPS = 60


class Race:
    """One order of events."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.bench = Bench()
        self.bench.publish(*NAMES)
        self.bench.meanwhile = self.meanwhile
        self.depth = 0
        #: Those that were told goodbye.
        self.sent_away: list[Connection] = []
        #: In every third race all share one compressor, as most of a real worker's clients do.
        self.shared = seed % 3 == 0
        self.steps = (
            *[self.publish] * 8,
            *[self.join] * 5,
            *[self.turn] * 6,
            *[self.choke] * 4,
            *[self.command] * 4,
            self.leave,
            self.goodbye,
            *[self.answer] * 3,
            self.look_at_ways,
            *[self.go_far] * 3,
            *[self.start_anew] * (4 if self.shared else 1),
            self.lose_some,
            self.remove,
            self.beat,
            self.run_others,
        )

    def run(self) -> None:
        for _ in range(STEPS):
            self.chance.choice(self.steps)()
            self.bench.look()

    def meanwhile(self) -> None:
        """What others do while a pass lets them run."""
        if self.depth == 0 and self.chance.random() < 0.5:
            self.depth += 1
            for _ in range(self.chance.randint(1, 3)):
                step = self.chance.choice(self.steps)
                if step != self.turn:
                    step()
            self.depth -= 1

    def some(self) -> list[str]:
        return self.chance.sample(NAMES, self.chance.randint(1, len(NAMES)))

    def publish(self) -> None:
        self.bench.publish(*self.some())

    def join(self) -> None:
        symbols = None if self.chance.random() < 0.4 else tuple(sorted(self.some()))
        rate = self.chance.choice((0.0, 0.0, 1.0, 0.01))
        options = {
            "websocket": self.chance.random() < 0.5,
            "batch": self.chance.random() < 0.5,
            "room": self.chance.choice((1 << 40, 1 << 40, 0, 100, 400)),
        }
        if self.shared:
            symbols, rate, options["websocket"], options["batch"] = None, 0.0, False, False
        former = [c for c in self.bench.connections if c.left and c.viewer.ids]
        if former and self.chance.random() < 0.5:
            self.bench.look()
            since, held, asked = self.chance.choice(self.chance.choice(former).viewer.ids)
            gzip = self.shared and asked is None
            self.bench.join(asked, rate, gzip=gzip, since=since, held=held, **options)
        else:
            self.bench.join(symbols, rate, gzip=self.shared, **options)

    def turn(self) -> None:
        self.bench.turn(self.chance.choice((0.0, 0.3, 1.0, 0.1 if self.shared else 30.0)))

    def choke(self) -> None:
        if self.here():
            room = self.chance.choice((0, 1, 17, 90, 300, 1 << 40))
            self.chance.choice(self.here()).sock.let(room)

    def command(self) -> None:
        speaking = [c for c in self.here() if hasattr(c.client, "deflates")]
        if not speaking:
            return
        client = self.chance.choice(speaking)
        self.bench.look()
        match self.chance.choice(("subscribe", "subscribe", "unsubscribe", "rate", "ping", "all")):
            case "all":
                self.bench.command(client, op="subscribe")
            case "rate":
                self.bench.command(client, op="rate", rate=self.chance.choice((0, 0.01, 2)))
            case "ping":
                self.bench.command(client, op="ping")
            case op:
                self.bench.command(client, op=op, symbols=self.some())

    def answer(self) -> None:
        if self.here():
            self.bench.answer(self.chance.choice(self.here()))

    def look_at_ways(self) -> None:
        """All are asked, and not all answer soon."""
        self.bench.hub.heartbeat()
        self.bench.look_at_ways(self.chance.choice((0.5, 2.5)))

    def go_far(self) -> None:
        """Most answer a heartbeat, and are late with the next."""
        if self.depth:
            return
        for is_late in (False, True):
            self.bench.hub.heartbeat()
            self.bench.turn()
            for client in self.here():
                if not is_late and self.chance.random() < 0.7:
                    self.bench.answer(client)
        self.bench.look_at_ways(2.5)

    def leave(self) -> None:
        if self.here():
            self.bench.leave(self.chance.choice(self.here()))

    def goodbye(self) -> None:
        if self.here():
            leaver = self.chance.choice(self.here())
            self.bench.goodbye(leaver)
            self.sent_away.append(leaver)

    def start_anew(self) -> None:
        self.bench.start_anew()

    def lose_some(self) -> None:
        self.bench.lose_some(*self.some())

    def remove(self) -> None:
        listed = [name for name in NAMES if name in self.bench.prices]
        if len(listed) > 2:
            self.bench.remove(self.chance.choice(listed))

    def beat(self) -> None:
        self.bench.hub.heartbeat()

    def run_others(self) -> None:
        self.bench.run_others()

    def here(self) -> list[Connection]:
        return [c for c in self.bench.connections if not c.left and not c.client.leaving]


@pytest.fixture(autouse=True)
def _short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that others run in the middle of a pass over a few clients, and a long way has no room for all."""
    monkeypatch.setattr("relay.fanout.ranks.SENDS_PER_LOOK", 1)
    monkeypatch.setattr("relay.web.way.LEAST_BYTES", 150)
    monkeypatch.setattr("relay.web.way.MOST_BYTES", 600)
    monkeypatch.setitem(ENTRIES_PER_PIECE, "price", 2)


@pytest.mark.parametrize("seed", range(0, RACES, 3))
def test_whoever_is_told_goodbye_has_a_whole_gzip_file(seed: int) -> None:
    race = Race(seed)
    race.run()
    race.bench.meanwhile = lambda: None
    for connection in race.here():
        race.sent_away.append(connection)
        race.bench.goodbye(connection)
    race.bench.settle()
    # One that was choked when the peer gave up has no end.
    ended = [c for c in race.sent_away if not c.client.unfinished and len(c.sock.taken) > 10]
    assert ended or not race.here()
    for connection in ended:
        text = gzip.decompress(bytes(connection.sock.taken))
        assert b"event: bye" in text[-200:]


@pytest.mark.parametrize("seed", long_after(100, range(RACES)))
def test_every_race_ends_with_what_the_board_holds(seed: int) -> None:
    race = Race(seed)
    race.run()
    bench = race.bench
    bench.meanwhile = lambda: None
    bench.settle()
    bench.look()
    for connection in race.here():
        held = connection.viewer.prices
        wanted = bench.expected(connection.symbols)
        named = {s: p for s, p in held.items() if connection.symbols is None or s in wanted}
        assert named == wanted
    for connection in bench.connections:
        assert connection.viewer.went_back == []
    ids = [given for connection in bench.connections for given in connection.viewer.ids]
    for resume_id, held, asked in race.chance.sample(ids, min(len(ids), 40)):
        known = {s: p for s, p in held.items() if asked is None or s in asked}
        again = bench.join(asked, since=resume_id, held=known)
        bench.look()
        assert again.viewer.prices == bench.expected(asked), resume_id
        bench.leave(again)
    for connection in bench.connections:
        bench.leave(connection)
    assert len(bench.hub.crowd) == len(bench.hub._registry) == 0
