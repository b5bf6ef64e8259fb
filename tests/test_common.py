"""What the WebSockets of one address may say together, however many they are."""

import socket
from collections.abc import Callable
from contextlib import closing

import gevent
import pytest

from relay.clock import SYSTEM
from relay.fanout.terms import Terms
from relay.server.allowance import Allowance
from relay.server.bounds import Bounds
from relay.server.common import BURST_SECONDS, Common
from relay.server.turns import Turns
from relay.server.visitors import Visitor
from relay.server.websocket import WebSocket
from relay.web import ws_client
from relay.web.way import LONG_SECONDS
from relay.web.ws_client import MessageClient
from relay.web.ws_form import Messages
from tests.clocks import SetClock
from tests.fanout import Bench
from tests.test_ws import masked

WAIT_SECONDS = 20.0
#: Units a second of an address.
RATE = 500.0


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def test_a_thousand_clients_say_no_more_than_their_address_may(clock: SetClock) -> None:
    waits: list[None] = []
    began = clock.monotonic()
    common = Common(RATE, lambda: waits.append(None), clock.monotonic)
    clients = [
        Allowance(20, common=common, pause=clock.advance, clock=clock.monotonic)
        for _ in range(1000)
    ]
    for client in clients:
        client.spend(20)
    assert clock.monotonic() - began == pytest.approx(20_000 / RATE - BURST_SECONDS, abs=0.1)
    assert waits


def test_an_office_is_not_held_up(clock: SetClock) -> None:
    """A thousand pages come back at once, and each says a few things; then they only answer heartbeats."""
    common = Common(RATE, clock=clock.monotonic)
    clients = [
        Allowance(20, common=common, pause=pytest.fail, clock=clock.monotonic) for _ in range(1000)
    ]
    for client in clients:
        client.spend(5)
    for _ in range(10):
        clock.advance(12)
        for client in clients:
            client.spend(1)


def test_who_says_little_gets_its_turn_among_those_who_say_much() -> None:
    common = Common(20_000)
    common.spend(20_000 * int(BURST_SECONDS), gevent.sleep)
    said = dict.fromkeys(range(50), 0)

    def talk(number: int) -> None:
        while True:
            common.spend(20, gevent.sleep)
            said[number] += 1

    talking = [gevent.spawn(talk, number) for number in said]
    gevent.sleep(0)
    try:
        with gevent.Timeout(WAIT_SECONDS):
            for _ in range(3):
                before = dict(said)
                common.spend(1, gevent.sleep)
                assert all(said[number] - before[number] <= 2 for number in said)
    finally:
        gevent.killall(talking)


class Leaving(Exception):
    """What a client's pause raises where it need not be heard any more."""


def test_who_leaves_while_it_waits_takes_nothing_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.server.common.LOOK_SECONDS", 0.01)
    common = Common(1.0)

    def never(_: float) -> None:
        gevent.sleep(WAIT_SECONDS)

    def leave(_: float) -> None:
        raise Leaving

    common.spend(int(BURST_SECONDS) + 1, gevent.sleep)
    first = gevent.spawn(common.spend, 1, never)
    gevent.sleep(0)
    with gevent.Timeout(WAIT_SECONDS), pytest.raises(Leaving):
        common.spend(1, leave)
    first.kill()
    with pytest.raises(Leaving):
        common.spend(1, leave)


class Spoken:
    """A client of an address where others have spent all that there is, and so many seconds more."""

    def __init__(self, seconds: float) -> None:
        self.theirs, ours = socket.socketpair()
        ours.setblocking(False)
        common = Common(20.0)
        common.spend(int(20 * (BURST_SECONDS + seconds)), gevent.sleep)
        self.said: list[object] = []
        hub = Bench().hub
        self.client = MessageClient(
            ours,
            0,
            hub.news,
            WebSocket({}, None, None),
            lambda _, message: self.said.append(message),
            Turns(),
            leftover=b"",
            deflates=False,
            common=common,
            stall_seconds=10,
        )
        visitor = Visitor("10.0.0.1", Bounds(commands=20))
        hub.crowd.enter(self.client, Terms(Messages("price", False), None, 0.0), visitor)
        self._reading = gevent.spawn(self.client.read)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with gevent.Timeout(WAIT_SECONDS):
            while not condition():
                gevent.sleep(0.01)

    def close(self) -> None:
        self._reading.kill()
        self.theirs.close()
        self.client.close()


def test_a_client_that_waits_for_others_of_its_address_is_not_taken_for_mute() -> None:
    with closing(Spoken(0.3)) as spoken:
        client = spoken.client
        spoken.theirs.sendall(masked(0x81, b"{}"))
        client.asked(client._clock.monotonic())
        asked = client._asked
        spoken.wait_until(lambda: bool(spoken.said))
        assert client.heard > asked
        assert client.overdue(0) == b""
        assert ws_client.UNITS_PER_SECOND == 20


def test_an_answer_that_was_asked_for_waits_for_nobody() -> None:
    """Else it would be late, and its client be taken for one whose way is long."""
    with closing(Spoken(1000.0)) as spoken:
        way = spoken.client._way
        spoken.theirs.sendall(masked(0x8A, way.ask(SYSTEM.monotonic())))
        spoken.wait_until(lambda: not way.is_asked)


def test_an_answer_that_is_not_read_yet_is_not_late() -> None:
    with closing(Spoken(0.3)) as spoken:
        way = spoken.client._way
        spoken.theirs.sendall(masked(0x81, b"{}"))
        way.ask(SYSTEM.monotonic() - LONG_SECONDS)
        assert way.waits(LONG_SECONDS, SYSTEM.monotonic())
        spoken.wait_until(lambda: bool(spoken.said))
        assert not way.waits(LONG_SECONDS, SYSTEM.monotonic())
