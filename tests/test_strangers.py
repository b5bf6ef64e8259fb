"""Strangers who hold connections of a real worker: their bounds, and that none counts for ever."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.sync.client import ClientConnection, connect

from tests import plain_http
from tests.processes import WAIT_SECONDS, Gunicorn, wait_until
from tests.scripted import ScriptedExchange

#: Connections that each address may have.
MOST = 4
GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def strict() -> Iterator[Gunicorn]:
    """A worker that gives each address few connections."""
    with (
        ScriptedExchange() as exchange,
        Gunicorn(
            BINANCE_WS=exchange.url,
            FEED_SILENCE_SECONDS="600",
            ADDRESS_CONNECTIONS=str(MOST),
            ADDRESS_COMMANDS="1",
        ) as relay,
    ):
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        yield relay


def call(relay: Gunicorn, address: str = "127.0.0.66") -> socket.socket:
    """A connection from an address of its own."""
    return socket.create_connection(
        ("127.0.0.1", relay.port), WAIT_SECONDS, source_address=(address, 0)
    )


def is_alive(sock: socket.socket) -> bool:
    try:
        sock.sendall(GET)
        return sock.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def test_a_crowd_at_one_address_is_bounded_and_others_are_served(strict: Gunicorn) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(call(strict)) for _ in range(3 * MOST)]
        assert is_alive(stack.enter_context(call(strict, "127.0.0.67")))
        assert sum(map(is_alive, crowd)) <= MOST
        assert plain_http.get(f"{strict.url}/livez").status_code == 200


def test_streams_do_not_count_as_connections(strict: Gunicorn) -> None:
    with ExitStack() as stack:
        for _ in range(2 * MOST):
            sock = stack.enter_context(call(strict, "127.0.0.68"))
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        assert is_alive(stack.enter_context(call(strict, "127.0.0.68")))


@pytest.mark.parametrize("piece", [bytes(1024), b"x"], ids=["much", "bytes"])
def test_a_stream_whose_client_talks_is_cut(strict: Gunicorn, piece: bytes) -> None:
    def talk() -> None:
        while True:
            sock.sendall(piece)

    with call(strict, "127.0.0.70") as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(OSError, match=r"pipe|reset"):
            talk()


def test_a_stream_whose_client_said_a_little_goes_on(strict: Gunicorn) -> None:
    with call(strict, "127.0.0.70") as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n" + bytes(1024))
        heard = b""
        while b"BTCUSDT" not in heard:
            heard += sock.recv(4096)
            assert heard


def test_what_the_websockets_of_one_address_say_is_bounded_together(strict: Gunicorn) -> None:
    def speak(address: str) -> ClientConnection:
        return stack.enter_context(
            connect(strict.ws_url, source_address=(address, 0), compression=None)
        )

    def has_waited() -> bool:
        return 'relay_refused_total{limit="ADDRESS_COMMANDS"} 0.0' not in metrics()

    def metrics() -> str:
        text = plain_http.get(f"{strict.url}/metrics").text
        assert 'limit="ADDRESS_COMMANDS"' in text
        return text

    with ExitStack() as stack:
        for client in [speak("127.0.0.71") for _ in range(8)]:
            for _ in range(4):
                client.send('{"op":"ping"}')
        wait_until(has_waited, "somebody to wait")
        other = speak("127.0.0.72")
        other.send('{"op":"ping"}')
        while json.loads(other.recv(WAIT_SECONDS)).get("event") != "pong":
            pass


def end_in_order(sock: socket.socket) -> None:
    sock.sendall(GET)
    sock.recv(4096)


def end_by_reset(sock: socket.socket) -> None:
    sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def end_in_head(sock: socket.socket) -> None:
    sock.sendall(GET[:-2])


def end_as_stream(sock: socket.socket) -> None:
    sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    sock.recv(4096)


def end_refused(sock: socket.socket) -> None:
    sock.sendall(b"rubbish\r\n\r\n")
    sock.recv(4096)


@pytest.mark.parametrize(
    "end", [end_in_order, end_by_reset, end_in_head, end_as_stream, end_refused]
)
def test_connections_that_have_ended_count_no_more(strict: Gunicorn, end) -> None:
    address = "127.0.0.69"
    for _ in range(3 * MOST):
        wait_until(lambda: _has_room(strict, address), "room for another connection")
        with call(strict, address) as sock:
            end(sock)
    # All that it may have can be had at once.
    wait_until(lambda: _all_live(strict, address), "all connections to be had again")


def _has_room(relay: Gunicorn, address: str) -> bool:
    with call(relay, address) as sock:
        return is_alive(sock)


def _all_live(relay: Gunicorn, address: str) -> bool:
    with ExitStack() as stack:
        return all(is_alive(stack.enter_context(call(relay, address))) for _ in range(MOST))
