"""Clients whose pongs come late: they get the newest, and no more than arrives."""

import json
import socket
from contextlib import closing

import pytest

from relay.fanout import crowd as crowd_module
from relay.fanout.client import Client
from relay.fanout.encoding import ENTRIES_PER_PIECE
from relay.fanout.terms import Symbols
from relay.web import way
from relay.web.ws_client import MessageClient
from tests.fanout import Bench, Connection
from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.test_ws import masked

TEXT, PING = 1, 9
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
NAMES = [f"S{i:02}" for i in range(40)]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.publish(*NAMES)
    return bench


def ask(bench: Bench, seconds: float) -> None:
    """A heartbeat goes out, and for so long the hub looks at who has answered."""
    bench.hub.heartbeat()
    bench.turn()
    bench.look_at_ways(seconds)


def far(bench: Bench, **options: bool) -> Connection:
    """A client that answered once, and lets the next ping wait."""
    client = bench.join(websocket=True, **options)
    ask(bench, 0.1)
    bench.answer(client)
    ask(bench, 2.1)
    return client


def test_who_is_far_gets_the_newest_once_the_pong_has_come(bench: Bench) -> None:
    client = far(bench)
    assert bench.hub.counts.behind == 1
    size = len(client.sock.taken)
    for _ in range(50):
        bench.publish("S00")
        bench.turn()
    assert len(client.sock.taken) == size
    bench.answer(client)
    assert client.sock.taken[size:].count(b'"symbol":"S00"') == 1
    bench.look()
    assert client.viewer.prices == bench.expected(None)
    bench.answer(client)
    assert bench.hub.counts.behind == 0
    bench.publish("S00")
    bench.turn()
    bench.look()
    assert client.viewer.prices == bench.expected(None)


def test_no_more_is_under_way_than_the_way_takes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENTRIES_PER_PIECE, "price", 2)
    monkeypatch.setattr(way, "LEAST_BYTES", 300)
    client = far(bench)
    sizes = []
    for seconds in (3.0, 3.0, 0.1, 0.1, 1.5, 0.1):
        bench.publish(*NAMES)
        bench.turn()
        bench.clock.advance(seconds)
        size = len(client.sock.taken)
        bench.answer(client)
        sizes.append(len(client.sock.taken) - size)
    assert sizes[0] < 350
    assert sizes[1] < 350, "a long way"
    assert sizes[2] > 1.5 * sizes[1], "a short one"
    assert sizes[3] > 1.5 * sizes[2]
    assert sizes[4] == pytest.approx(sizes[3], rel=0.2), "neither"
    while bench.hub.counts.behind:
        bench.answer(client)
    bench.look()
    assert client.viewer.prices == bench.expected(None)
    assert client.viewer.went_back == []


def test_who_answers_while_others_are_asked_is_near(bench: Bench) -> None:
    client = bench.join(websocket=True)
    ask(bench, 0.1)
    bench.answer(client)
    bench.meanwhile = lambda: bench.answer(client)
    ask(bench, 2.1)
    assert bench.hub.counts.behind == 0
    bench.publish("S00")
    bench.turn()
    bench.look()
    assert client.viewer.prices == bench.expected(None)


def test_nobody_is_far_since_the_worker_stood_still(bench: Bench) -> None:
    client = bench.join(websocket=True)
    ask(bench, 0.1)
    bench.answer(client)
    bench.hub.heartbeat()
    bench.turn()
    bench.clock.advance(3.0)
    bench.hub.crowd.look_at_ways()
    assert bench.hub.counts.behind == 0
    bench.look_at_ways(1.0)
    assert bench.hub.counts.behind == 1, "but who has not answered by now"


def test_who_never_answers_is_served_as_ever(bench: Bench) -> None:
    client = bench.join(websocket=True)
    ask(bench, 2.1)
    bench.publish("S00")
    bench.turn()
    bench.look()
    assert client.viewer.prices == bench.expected(None)
    assert bench.hub.counts.behind == 0


def test_who_is_back_is_asked_every_second_for_a_while(bench: Bench) -> None:
    client = far(bench)
    bench.answer(client)
    bench.answer(client)
    asked = 0
    for _ in range(20):
        bench.clock.advance(1.0)
        bench.hub.crowd.look_at_ways()
        bench.look()
        asked += len(client.viewer.pings)
        bench.answer(client)
    assert asked == way.RETURNED


def test_who_answers_no_more_is_ended_whatever_else_it_says(bench: Bench) -> None:
    client = far(bench)
    for _ in range(4):
        assert not client.client.leaving
        bench.clock.advance(12.0)
        client.client.heard = bench.clock.monotonic()
        bench.hub.heartbeat()
        if client.client.leaving:
            break
    assert b"no pong within 30 s" in client.sock.taken


def test_a_goodbye_waits_for_no_pong(bench: Bench) -> None:
    client = far(bench)
    bench.goodbye(client)
    bench.look()
    assert client.viewer.events[-1]["event"] == "bye"


def test_a_new_epoch_is_told_once_the_pong_has_come(bench: Bench) -> None:
    client = far(bench)
    bench.start_anew()
    bench.turn()
    bench.answer(client)
    bench.look()
    assert client.viewer.events[-1]["mode"] == "full"
    assert client.viewer.prices == bench.expected(None)


@pytest.mark.parametrize(("symbols", "asked"), [(None, 1), (("S00",), 0)])
def test_who_asks_for_everything_is_asked_at_once(
    bench: Bench, symbols: Symbols, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MessageClient, "read", lambda _: None)
    client = bench.join(symbols, websocket=True)
    client.client.run()
    bench.look()
    assert len(client.viewer.pings) == asked


class Reader:
    """A client that answers pings when it is told to."""

    def __init__(self, relay: Gunicorn) -> None:
        self._socket = socket.create_connection(("127.0.0.1", relay.port), 20)
        self._socket.sendall(HANDSHAKE)
        self._file = self._socket.makefile("rb")
        while self._file.readline() != b"\r\n":
            pass

    def read(self, opcode: int) -> bytes:
        """The payload of the next frame of that kind."""
        while True:
            first, size = self._file.read(2)
            if size == 126:
                size = int.from_bytes(self._file.read(2), "big")
            payload = self._file.read(size)
            if first & 15 == opcode:
                return payload

    def price(self) -> str:
        while "price" not in (said := json.loads(self.read(TEXT))):
            pass
        return str(said["price"])

    def answer(self, ping: bytes) -> None:
        self._socket.sendall(masked(0x8A, ping))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_a_late_pong_is_followed_by_the_newest(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    with closing(Reader(relay)) as reader:
        reader.answer(reader.read(PING))
        late = reader.read(PING)
        behind = "relay_behind 1.0"
        wait_until(lambda: behind in relay.http.get("/metrics").text, "the client to be behind")
        for price in ("3", "4", "5"):
            exchange.tick(BTCUSDT=price)
            wait_until(
                lambda price=price: price == relay.http.get("/api/prices/BTCUSDT").json()["price"],
                "the price to come",
            )
        reader.answer(late)
        assert reader.price() == "5"


def test_of_many_a_part_is_looked_at_in_one_turn_and_nobody_who_left_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = {bench.join(websocket=True).client for _ in range(3)}
    looked: list[Client] = []
    monkeypatch.setattr(crowd_module, "WAYS_PER_TURN", 1)
    monkeypatch.setattr(MessageClient, "look_at_way", lambda self: looked.extend([self]))

    def all_others_leave() -> None:
        for client in clients.difference(looked):
            bench.hub.crowd.leave(client)

    monkeypatch.setattr(crowd_module, "give_turn", all_others_leave)
    bench.hub.crowd.look_at_ways()
    assert len(looked) == 1
