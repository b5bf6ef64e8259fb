"""Clients that say a lot: others get their turn meanwhile, and a goodbye is a goodbye."""

import socket
from collections.abc import Iterator

import gevent
import pytest

from relay.fanout.terms import Terms
from relay.server.visitors import Visitor
from relay.server.websocket import WebSocket
from relay.web.ws_client import MessageClient
from relay.web.ws_form import Messages
from tests.fanout import Bench, EventClient, ScriptedSocket
from tests.test_ws import masked

WAIT_SECONDS = 20.0
PING = masked(0x89, b"")
MESSAGE = masked(0x81, b"{}")


class Spoken:
    """A client over a pair of sockets, and what it said."""

    def __init__(self) -> None:
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
            leftover=b"",
            deflates=False,
            stall_seconds=10,
        )
        hub.crowd.enter(self.client, Terms(Messages("price", False), None, 0.0), Visitor(""))

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
