"""A worker has so many slots for requests, and nobody holds one by saying nothing."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from relay.server import worker as worker_module
from relay.server.worker import Server
from tests import plain_http
from tests.processes import WAIT_SECONDS, Gunicorn, wait_until
from tests.scripted import ScriptedExchange

#: Requests that the worker handles at a time; each test sends twice as many.
SLOTS = 4


@pytest.fixture(scope="module")
def narrow() -> Iterator[Gunicorn]:
    """A worker with few slots."""
    options = ("--worker-connections", str(SLOTS), "--keep-alive", "600")
    with (
        ScriptedExchange() as exchange,
        Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600", options=options) as relay,
    ):
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        relay.http.close()
        yield relay


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 1\r\n\r\n",
        b"Content-Length: 5\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["length", "part of length", "chunked", "part of a chunk", "expect"],
)
@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /livez", b"200"),
        (b"POST /livez", b"405"),
        (b"HEAD /livez", b"200"),
        (b"GET /events", b"200"),
    ],
    ids=["get", "post", "head", "stream"],
)
def test_a_body_that_never_comes_holds_no_slot(
    narrow: Gunicorn, request_line: bytes, status: bytes, body: bytes
) -> None:
    with ExitStack() as stack:
        for _ in range(2 * SLOTS):
            sock = socket.create_connection(("127.0.0.1", narrow.port), timeout=WAIT_SECONDS)
            stack.enter_context(sock)
            sock.sendall(request_line + b" HTTP/1.1\r\nHost: relay\r\n" + body)
            assert sock.recv(4096).startswith(b"HTTP/1.1 " + status)
        assert plain_http.get(f"{narrow.url}/livez", timeout=WAIT_SECONDS).status_code == 200


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"G",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nG",
        b"rubbish\r\n\r\n",
    ],
    ids=["nothing", "answered", "a byte", "half", "answered and a byte", "rubbish"],
)
def test_connections_without_a_whole_request_hold_no_slot(narrow: Gunicorn, first: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(2 * SLOTS):
            sock = socket.create_connection(("127.0.0.1", narrow.port), timeout=WAIT_SECONDS)
            stack.enter_context(sock)
            sock.sendall(first)
        assert plain_http.get(f"{narrow.url}/livez", timeout=WAIT_SECONDS).status_code == 200


def test_a_crowd_without_a_request_holds_no_slot(narrow: Gunicorn) -> None:
    """All are accepted in one turn, before any of them can be seen to be idle."""
    (pid,) = narrow.worker_pids()
    with ExitStack() as stack:
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(2 * SLOTS):
                sock = socket.create_connection(("127.0.0.1", narrow.port), timeout=WAIT_SECONDS)
                stack.enter_context(sock)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert plain_http.get(f"{narrow.url}/livez", timeout=WAIT_SECONDS).status_code == 200


def test_polls_that_wait_hold_no_slot(narrow: Gunicorn) -> None:
    url = f"{narrow.url}/api/prices?symbols=NONE"
    since = plain_http.get(url, timeout=WAIT_SECONDS).json()["id"]
    poll = f"GET /api/prices?symbols=NONE&since={since}&wait=25 HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        socks = []
        for _ in range(SLOTS):
            sock = socket.create_connection(("127.0.0.1", narrow.port), timeout=WAIT_SECONDS)
            stack.enter_context(sock)
            sock.sendall(poll.encode())
            socks.append(sock)
        assert plain_http.get(f"{narrow.url}/livez", timeout=WAIT_SECONDS).status_code == 200
        # The one that waited longest has been answered, and is over.
        answer = b""
        while part := socks[0].recv(4096):
            answer += part
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Connection: close" in answer


def test_others_are_given_up_where_one_holds_its_slot_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have asked for something just then, and wait for news now."""
    taken, given_up = [True, True, True, False], []
    server = Server.__new__(Server)
    server.pool = SimpleNamespace(full=lambda: taken[len(given_up)])
    server.worker = SimpleNamespace(waiting=SimpleNamespace(give_up_one=lambda: given_up.append(1)))
    monkeypatch.setattr(worker_module, "RELIEF_SECONDS", 0)
    server._relieve()
    assert len(given_up) == 3


def test_a_stream_with_a_body_gets_its_prices(narrow: Gunicorn) -> None:
    request = b"GET /events HTTP/1.1\r\nHost: relay\r\nContent-Length: 3\r\n\r\n"
    with socket.create_connection(("127.0.0.1", narrow.port), timeout=WAIT_SECONDS) as sock:
        sock.sendall(request)
        answer = b""
        while b'{"symbol":"BTCUSDT","price":"1"}' not in answer:
            answer += sock.recv(4096)
        sock.sendall(b"abc")
        answer = plain_http.get(f"{narrow.url}/readyz").json()
        assert answer["clients"] == 1
    wait_until(lambda: plain_http.get(f"{narrow.url}/readyz").json()["clients"] == 0, "the end")


def test_a_websocket_handshake_with_a_body_is_refused(narrow: Gunicorn) -> None:
    request = (
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Content-Length: 2\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", narrow.port), timeout=WAIT_SECONDS) as sock:
        sock.sendall(request)
        assert sock.recv(4096).startswith(b"HTTP/1.1 400")
