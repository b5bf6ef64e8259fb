"""Clients that say a lot: others get their turn meanwhile, and a goodbye is a goodbye."""

import socket
from collections.abc import Hashable, Iterator
from contextlib import closing
from typing import Any

import gevent
import pytest
from gevent.event import Event

from relay.fanout.terms import Terms
from relay.server.turns import TURN_SECONDS, FairLane, Turns
from relay.server.visitors import Visitor
from relay.server.websocket import WebSocket
from relay.web.way import LONG_SECONDS
from relay.web.ws_client import MessageClient
from relay.web.ws_form import Messages
from tests.clocks import SetClock
from tests.fanout import Bench, EventClient, ScriptedSocket
from tests.test_turns import Looks
from tests.test_ws import masked

WAIT_SECONDS = 20.0
PING = masked(0x89, b"")
MESSAGE = masked(0x81, b"{}")


class Spoken:
    """A client over a pair of sockets, and what it said."""

    def __init__(self, turns: Turns | None = None, visitor: Visitor | None = None) -> None:
        self.turns = 0
        #: How many turns others had had at each message.
        self.said_at: list[int] = []
        self.theirs, ours = socket.socketpair()
        ours.setblocking(False)
        hub = Bench().hub
        self.client = MessageClient(
            ours,
            0,
            hub.news,
            WebSocket({}, None, None),
            lambda *_: self.said_at.append(self.turns),
            turns or Turns(),
            leftover=b"",
            deflates=False,
            stall_seconds=10,
        )
        hub.crowd.enter(
            self.client, Terms(Messages("price", False), None, 0.0), visitor or Visitor("")
        )

    def start(self) -> None:
        self.reading = gevent.spawn(self.client.read)
        self.others = gevent.spawn(self._others)

    def close(self) -> None:
        gevent.killall([self.reading, self.others])
        self.theirs.close()
        self.client.close()

    def _others(self) -> None:
        while True:
            self.turns += 1
            gevent.sleep(0)


class Held(Turns):
    """Nobody may begin until it is set free."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.free = Event(), Event()

    def wait_as(self, whose: Hashable, lane: FairLane) -> None:  # noqa: ARG002
        self.asked.set()
        self.free.wait()


@pytest.fixture
def spoken() -> Iterator[Spoken]:
    spoken = Spoken()
    yield spoken
    spoken.close()


def test_others_get_their_turn_between_two_messages_of_one_client(spoken: Spoken) -> None:
    spoken.theirs.sendall(MESSAGE * 15)
    spoken.start()
    with gevent.Timeout(WAIT_SECONDS):
        while len(spoken.said_at) < 15:
            gevent.sleep(0.001)
    assert len(set(spoken.said_at)) == 15


def say_at_once(clients: list[Spoken], obeyed: list[Any]) -> None:
    """Each says one message; they are closed when all are obeyed."""
    for spoken in clients:
        spoken.theirs.sendall(MESSAGE)
        spoken.start()
    with gevent.Timeout(WAIT_SECONDS):
        while len(obeyed) < len(clients):
            gevent.sleep(0.001)
    for spoken in clients:
        spoken.close()


def test_what_many_say_at_once_is_obeyed_a_little_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, looks = [1000.0], Looks()
    turns = Turns(lambda: now[0])
    obeyed: list[int] = []

    def obey(*_: object) -> None:
        obeyed.append(looks.number)
        now[0] += TURN_SECONDS

    crowd = [Spoken(turns) for _ in range(20)]
    for spoken in crowd:
        monkeypatch.setattr(spoken.client, "_obey", obey)
    say_at_once(crowd, obeyed)
    looks.end()
    assert len(set(obeyed)) == len(crowd)


def test_nobody_waits_for_all_that_a_crowd_of_one_address_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    turns = Turns(lambda: now)
    obeyed: list[str] = []

    def obey(client: MessageClient, _message: object) -> None:
        nonlocal now
        obeyed.append(client.guest.address)
        now += TURN_SECONDS

    crowd, alone = Visitor("10.0.0.1"), Visitor("10.0.0.2")
    clients = [Spoken(turns, visitor) for visitor in [*[crowd] * 10, alone]]
    for spoken in clients:
        monkeypatch.setattr(spoken.client, "_obey", obey)
    say_at_once(clients, obeyed)
    assert obeyed.index(alone.address) <= 2


def test_who_is_sent_away_while_it_waits_for_its_turn_is_not_obeyed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.web.ws_client.LINGER_SECONDS", 0.05)
    turns = Held()
    with closing(Spoken(turns)) as spoken:
        spoken.theirs.sendall(MESSAGE)
        spoken.start()
        assert turns.asked.wait(WAIT_SECONDS)
        spoken.client.finish(b"")
        turns.free.set()
        spoken.reading.get(timeout=WAIT_SECONDS)
        assert not spoken.said_at


@pytest.mark.parametrize("frame", [PING, MESSAGE], ids=["pings", "messages"])
def test_a_flood_does_not_keep_a_client_that_is_sent_away(
    spoken: Spoken, frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.web.ws_client.LINGER_SECONDS", 0.05)
    spoken.theirs.sendall(frame * 2000)
    spoken.start()
    gevent.sleep(0.01)
    spoken.client.finish(b"")
    # Twenty a second would take a hundred.
    spoken.reading.get(timeout=WAIT_SECONDS)


def test_others_get_their_turn_while_a_listener_talks_without_end() -> None:
    class Talking(ScriptedSocket):
        def recv(self, size: int) -> bytes:
            return bytes(size)

    hub = Bench().hub
    client = EventClient(Talking(), 0, hub.news, stall_seconds=10)  # type: ignore[arg-type]
    reading = gevent.spawn(client.read)
    for _ in range(3):
        gevent.sleep(0)
    assert not reading.dead
    reading.kill()


def test_while_others_command_first_nobody_is_far_or_mute() -> None:
    turns, clock = Held(), SetClock()
    with closing(Spoken(turns)) as spoken:
        client = spoken.client
        client._clock = clock
        spoken.start()
        client._way._answers = True
        client.asked(clock.monotonic())
        spoken.theirs.sendall(MESSAGE)
        assert turns.asked.wait(WAIT_SECONDS)
        client.heard = 0.0
        # Its answer may lie there, and is not read yet.
        clock.advance(2 * LONG_SECONDS)
        client.look_at_way()
        assert (client._way.is_long, client.overdue(LONG_SECONDS)) == (False, b"")
        turns.free.set()
        with gevent.Timeout(WAIT_SECONDS):
            while not spoken.said_at:
                gevent.sleep(0)
        client.look_at_way()
        assert (client._way.is_long, client.overdue(LONG_SECONDS)) == (False, b"")
        clock.advance(2 * LONG_SECONDS)
        client.look_at_way()
        assert client._way.is_long
        assert client.overdue(LONG_SECONDS) != b""
