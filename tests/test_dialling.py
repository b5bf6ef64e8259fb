"""Every address of a name gets its chance, for the stream and for REST alike."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from relay.exchange import frame_limits, http_limits
from relay.exchange.connection import CONNECT_SECONDS
from relay.exchange.dialling import dial
from relay.exchange.failure import said
from tests.hanging import HangingAddress
from tests.processes import wait_until
from tests.scripted import ScriptedExchange
from tests.scripted_api import Said, ScriptedApi

Names = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Gives a name these addresses, in their order, for every port."""

    def give(*addresses: str) -> None:
        def resolve(_name: str, port: int, *_: object) -> list[tuple[Any, ...]]:
            return [
                (
                    socket.AF_INET6 if ":" in address else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (address, port, 0, 0) if ":" in address else (address, port),
                )
                for address in addresses
            ]

        monkeypatch.setattr(gevent.socket, "getaddrinfo", resolve)

    return give


@pytest.fixture
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


#: What the first address of a name may be; the second is 127.0.0.1.
DEAD = {
    "one that hangs": "127.0.0.2",
    "one where nobody listens": "127.0.0.3",
    "IPv6 where nobody listens": "::1",
    "one that has no way to it": "240.0.0.1",
    "IPv6 that has no way to it": "2001:db8::1",
}


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD)
def test_a_stream_comes_though_the_first_address_is(
    dead: str, names: Names, exchange: ScriptedExchange
) -> None:
    names(dead, "127.0.0.1")
    with HangingAddress("127.0.0.2", exchange.port), gevent.Timeout(CONNECT_SECONDS):
        connected = frame_limits.connect(f"ws://exchange.test:{exchange.port}/ws", CONNECT_SECONDS)
        connected.shutdown()
    wait_until(lambda: exchange.connected == 1, "the connection")


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD)
def test_rest_answers_though_the_first_address_is(dead: str, names: Names) -> None:
    names(dead, dead, "127.0.0.1")
    with ScriptedApi(lambda _: Said(b"ok")) as api:
        port = int(api.url.rpartition(":")[2])
        with HangingAddress("127.0.0.2", port):
            body, _ = http_limits.get(f"http://exchange.test:{port}/", 5, 10, TimeoutError())
    assert body == b"ok"


def test_whatever_answers_first_wins_and_the_others_are_let_go(
    names: Names, exchange: ScriptedExchange
) -> None:
    names(*["127.0.0.1"] * 3)
    with dial("exchange.test", exchange.port) as sock:
        assert sock.getpeername() == ("127.0.0.1", exchange.port)


def test_where_none_answers_the_first_failure_is_said(names: Names) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    names("127.0.0.1", "240.0.0.1")
    with pytest.raises(ConnectionRefusedError):
        dial("exchange.test", port)
    names()
    with pytest.raises(OSError, match="no address"):
        dial("exchange.test", port)


def test_the_deadline_ends_all_attempts(names: Names) -> None:
    names("127.0.0.2", "127.0.0.2")
    late = TimeoutError("late")
    with (
        HangingAddress("127.0.0.2") as hanging,
        pytest.raises(TimeoutError, match="late"),
        gevent.Timeout(0.4, late),
    ):
        dial("exchange.test", hanging.port)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "its name cannot be resolved"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError("nobody is there"), "nobody is there"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failure_is_said_in_words_and_without_numbers(error: OSError, words: str) -> None:
    assert said(error) == words
