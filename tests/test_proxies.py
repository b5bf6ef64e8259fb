"""Behind each proxy as `deploy/` configures it, and behind two nginx in a row: nothing is held back, gzip
and WebSockets pass, and clients come back where they were."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import plain_http
from tests.balancers import Balancer
from tests.processes import ROOT, Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket

#: Programs, the innermost first.
CHAINS = {
    "nginx": ["nginx"],
    "two nginx": ["nginx", "nginx"],
    "haproxy": ["haproxy"],
    "caddy": ["caddy"],
    "traefik": ["traefik"],
}


class Served:
    """A relay with an exchange that says what a test tells it."""

    def __init__(self, exchange: ScriptedExchange, relay: Gunicorn) -> None:
        self._exchange = exchange
        self.relay = relay
        self._number = 1

    def tick(self) -> str:
        """A new price of A, and what it is."""
        self._number += 1
        self._exchange.tick(A=str(self._number))
        return str(self._number)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with (
        ScriptedExchange() as exchange,
        Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600") as relay,
    ):
        exchange.tick(A="1")
        relay.wait_until_ready()
        yield Served(exchange, relay)


@pytest.fixture(scope="module", params=CHAINS)
def port(
    request: pytest.FixtureRequest, served: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Where clients reach the relay."""
    directory: Path = tmp_path_factory.mktemp("proxies")
    with ExitStack() as stack:
        port = served.relay.port
        for program in CHAINS[request.param]:
            balancer = stack.enter_context(Balancer(program, directory, [port]))
            port = balancer.port
        url = f"http://127.0.0.1:{port}/routez"
        wait_until(lambda: plain_http.get(url).status_code == 200, "a way through")
        yield port


@pytest.mark.parametrize("headers", [{}, {"Accept_Encoding": "gzip"}], ids=["plain", "gzip"])
def test_events_pass_at_once_and_are_resumed(
    served: Served, port: int, headers: dict[str, str]
) -> None:
    with EventSource(port, **headers) as stream:
        assert ("content-encoding" in stream.headers) == bool(headers)
        for _ in range(5):
            stream.wait_for_price("A", served.tick())
    with EventSource(port, Last_Event_ID=stream.last_id, **headers) as again:
        assert again.wait_for_event("status")["mode"] == "none"


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_websockets_pass(served: Served, port: int, compression: str | None) -> None:
    with WebSocket(f"ws://127.0.0.1:{port}/ws", compression=compression) as stream:
        stream.wait_for_price("A", served.tick())
        stream.say(op="ping")
        stream.wait_for_event("pong")


def test_nginx_of_compose_is_the_other_one_with_its_names() -> None:
    own = (ROOT / "deploy/nginx.conf").read_text().splitlines()
    composed = (ROOT / "deploy/nginx.compose.conf").read_text()
    composed = composed.replace("web1:3001", "127.0.0.1:3001").replace(
        "web2:3001", "127.0.0.1:3002"
    )
    assert composed.splitlines()[1:] == own[2:]
