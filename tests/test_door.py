"""Which streams may begin: exact numbers, whoever opens how many at once, and a polite word to the others."""

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from relay.fanout import door as doors
from relay.fanout.door import Door, Full, Limits
from relay.server.bounds import UNBOUNDED, Bounds
from relay.server.bucket import Bucket
from relay.server.visitors import Visitor, Visitors
from tests.clocks import SetClock
from tests.fanout import Bench
from tests.processes import WAIT_SECONDS, Gunicorn, wait_until
from tests.scripted import ScriptedExchange

MOST, MOST_OF_ONE = 12, 5
#: Addresses of this machine that are no trusted proxy.
STRANGER, OTHER, THIRD = "127.0.0.66", "127.0.0.67", "127.0.0.68"
REQUEST = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def narrow() -> Iterator[Gunicorn]:
    """A worker with room for few streams."""
    settings = {"MAX_CLIENTS": str(MOST), "ADDRESS_STREAMS": str(MOST_OF_ONE)}
    settings |= {"ADDRESS_OPENS": "100000", "OPENS": "100000", "FEED_SILENCE_SECONDS": "600"}
    with ScriptedExchange() as exchange, Gunicorn(BINANCE_WS=exchange.url, **settings) as relay:
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        yield relay


@pytest.fixture(autouse=True)
def nobody_is_left(narrow: Gunicorn) -> Iterator[None]:
    yield
    wait_until(lambda: narrow.ready()["clients"] == 0, "all streams to end")


def opened(relay: Gunicorn, address: str, request: bytes) -> socket.socket:
    """A connection that has sent a request, and read nothing."""
    sock = socket.create_connection(
        ("127.0.0.1", relay.port), WAIT_SECONDS, source_address=(address, 0)
    )
    sock.sendall(request)
    return sock


def first_event(sock: socket.socket) -> str:
    """What is told first over SSE: status or bye."""
    heard = b""
    while not (found := re.search(rb"event: (status|bye)\n", heard)):
        data = sock.recv(4096)
        assert data, heard
        heard += data
    return found[1].decode()


def everything(sock: socket.socket) -> bytes:
    heard = b""
    while data := sock.recv(4096):
        heard += data
    return heard


def test_no_more_streams_begin_than_may_however_many_open_at_once(narrow: Gunicorn) -> None:
    """All of them are asked for before any has begun."""
    with ExitStack() as stack:
        socks = [
            stack.enter_context(opened(narrow, "127.0.0.1", REQUEST % b"/events"))
            for _ in range(3 * MOST)
        ]
        first = [first_event(sock) for sock in socks]
        assert first.count("status") == MOST
        assert narrow.ready()["clients"] == MOST
        # Those who poll are served all the same.
        assert narrow.http.get("/api/prices").json()["prices"] == {"BTCUSDT": "1"}


def test_an_address_has_so_many_streams_and_others_have_theirs(narrow: Gunicorn) -> None:
    with ExitStack() as stack:
        events = REQUEST % b"/events"
        socks = [stack.enter_context(opened(narrow, STRANGER, events)) for _ in range(9)]
        assert [first_event(sock) for sock in socks].count("status") == MOST_OF_ONE
        other = stack.enter_context(opened(narrow, OTHER, events))
        assert first_event(other) == "status"
        # A self-test is a stream as well.
        tested = stack.enter_context(opened(narrow, STRANGER, REQUEST % b"/selftest/events"))
        assert b"ADDRESS_STREAMS" in everything(tested)


def test_a_refused_event_source_is_told_when_to_come_back(narrow: Gunicorn) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            sock = stack.enter_context(opened(narrow, STRANGER, REQUEST % b"/events"))
            assert first_event(sock) == "status"
        refused = stack.enter_context(opened(narrow, STRANGER, REQUEST % b"/events"))
        answer = everything(refused)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"0\r\n\r\n")
        retry = int(re.findall(rb"^retry: (\d+)$", answer, re.MULTILINE)[-1])
        said = json.loads(re.findall(rb"^data: (.*)$", answer, re.MULTILINE)[-1])
        assert (said["event"], said["retry"]) == ("bye", retry)
        assert "ADDRESS_STREAMS" in said["reason"]
        assert "FORWARDED_ALLOW_IPS" in said["reason"]


@pytest.mark.parametrize("path", ["/ws", "/selftest/ws"])
def test_a_refused_websocket_hears_why_and_1013(narrow: Gunicorn, path: str) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            sock = stack.enter_context(opened(narrow, STRANGER, REQUEST % b"/events"))
            assert first_event(sock) == "status"
        url = f"ws://127.0.0.1:{narrow.port}{path}"
        with connect(url, source_address=(STRANGER, 0)) as refused:
            # What it says at once does not take our word from it.
            with suppress(ConnectionClosed):
                refused.send('{"op":"ping"}')
            said = json.loads(refused.recv())
            assert (said["event"], "ADDRESS_STREAMS" in said["reason"]) == ("bye", True)
            with pytest.raises(ConnectionClosed):
                refused.recv()
            assert refused.close_code == 1013


@pytest.mark.parametrize("path", ["/events", "/ws"])
def test_one_that_is_refused_keeps_the_id_that_it_came_with(narrow: Gunicorn, path: str) -> None:
    """Any event's id will do to resume from, so a goodbye must not say that it has nothing."""
    request = REQUEST if path == "/events" else HANDSHAKE
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            sock = stack.enter_context(opened(narrow, STRANGER, REQUEST % b"/events"))
            assert first_event(sock) == "status"
        came_with = narrow.http.get("/api/prices").json()["id"]
        for since, given_back in ((came_with, came_with), ("unknown-7", came_with[:-1] + "0")):
            asked = request % f"{path}?since={since}".encode()
            heard = everything(stack.enter_context(opened(narrow, STRANGER, asked)))
            assert f'"event":"bye","id":"{given_back}"'.encode() in heard


@pytest.mark.parametrize("how", ["closed", "reset", "handshake only", "cut in the head", "tested"])
def test_every_stream_is_given_back(narrow: Gunicorn, how: str) -> None:
    """Three times as many as one may have, one after the other."""
    for _ in range(3 * MOST_OF_ONE):
        request = {
            "handshake only": HANDSHAKE % b"/ws",
            "cut in the head": HANDSHAKE % b"/ws" + b"\x00\x00rubbish",
            "tested": REQUEST % b"/selftest/events",
        }.get(how, REQUEST % b"/events")
        with opened(narrow, THIRD, request) as sock:
            if how == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                sock.recv(4096)

    def is_free() -> bool:
        with ExitStack() as stack:
            socks = [
                stack.enter_context(opened(narrow, THIRD, REQUEST % b"/events"))
                for _ in range(MOST_OF_ONE)
            ]
            return [first_event(sock) for sock in socks] == ["status"] * MOST_OF_ONE

    wait_until(is_free, "all places to be free again")


@pytest.mark.parametrize(
    ("limits", "bounds", "name", "times"),
    [
        (Limits(), Bounds(opens=2), "ADDRESS_OPENS", 24),
        (Limits(opens=4), UNBOUNDED, "OPENS", 48),
        (Limits(streams=4), UNBOUNDED, "MAX_CLIENTS", 4),
        (Limits(), Bounds(streams=4), "ADDRESS_STREAMS", 4),
        (Limits(), Bounds(opens=2, whose="token"), "TOKEN_OPENS", 24),
        (Limits(), Bounds(streams=4, whose="token"), "TOKEN_STREAMS", 4),
    ],
)
def test_each_limit_is_named_and_counted(
    limits: Limits, bounds: Bounds, name: str, times: int
) -> None:
    door, visitor = Door(limits, Bucket(), SetClock()), Visitor("10.0.0.1", bounds)
    for _ in range(times):
        door.let_in(visitor)
    for _ in range(3):
        with pytest.raises(Full, match=rf"\({name}\b"):
            door.let_in(visitor)
    assert door.refusals.counts == {name: 3}
    assert (door.streams, visitor.streams) == (times, times)


def test_opens_come_back_with_time() -> None:
    clock = SetClock()
    door, visitor = Door(clock=clock), Visitor("10.0.0.1", Bounds(opens=2))
    for _ in range(24):
        door.let_in(visitor)
    clock.advance(0.5)
    door.let_in(visitor)
    with pytest.raises(Full):
        door.let_in(visitor)


def test_who_speaks_for_itself_behind_a_proxy_is_not_limited_by_address() -> None:
    door = Door(Limits(streams=9), Bucket(), SetClock())
    visitor = Visitors(is_proxy=lambda _: True, bounds=Bounds(1, 1)).find("127.0.0.1")
    for _ in range(9):
        door.let_in(visitor)
    with pytest.raises(Full, match="MAX_CLIENTS"):
        door.let_in(visitor)


def test_the_more_are_refused_the_later_they_come_back() -> None:
    clock = SetClock()
    door = Door(clock=clock)
    shortest, longest = doors.WINDOW_SECONDS
    assert door.window(Full()) == pytest.approx(shortest, abs=0.1)
    for _ in range(2_000):
        door.window(Full())
    assert door.window(Full()) == pytest.approx(
        shortest + 2_000 / doors.REFUSED_PER_SECOND, abs=0.1
    )
    clock.advance(20)
    assert door.window(Full()) == pytest.approx(shortest, abs=0.1)
    for _ in range(100_000):
        door.window(Full())
    assert door.window(Full()) == longest


def test_nobody_else_comes_back_later_since_one_address_asks_too_fast() -> None:
    door = Door(Limits(streams=2), clock=SetClock())
    greedy = Visitor("10.0.0.1", Bounds(streams=1))
    door.let_in(greedy)
    for _ in range(10_000):
        with pytest.raises(Full) as refused:
            door.let_in(greedy)
        door.window(refused.value)
    door.let_in(Visitor("10.0.0.2"))
    with pytest.raises(Full, match="MAX_CLIENTS") as refused:
        door.let_in(Visitor("10.0.0.3"))
    assert door.window(refused.value) == pytest.approx(doors.WINDOW_SECONDS[0], abs=0.1)


def test_a_stream_that_leaves_twice_is_given_back_once() -> None:
    bench, visitor = Bench(), Visitor("10.0.0.1")
    connection = bench.join(guest=visitor)
    assert (bench.hub.door.streams, visitor.streams) == (1, 1)
    bench.leave(connection)
    bench.hub.crowd.leave(connection.client)
    assert (bench.hub.door.streams, visitor.streams) == (0, 0)
