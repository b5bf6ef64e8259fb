"""Behind nginx, configured as the README says: nothing is held back, nothing is broken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nginx import UPGRADES, Nginx
from tests.processes import Gunicorn
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket


@pytest.fixture(params=["1.1", "1.0"])
def nginx(request: pytest.FixtureRequest, relay: Gunicorn, tmp_path: Path) -> Iterator[int]:
    """nginx in front of the relay, speaking HTTP/1.1 or its default 1.0 to it; its port."""
    with Nginx(tmp_path, relay.port, UPGRADES if request.param == "1.1" else "") as nginx:
        yield nginx.port


@pytest.mark.parametrize("headers", [{}, {"Accept_Encoding": "gzip"}], ids=["plain", "gzip"])
def test_every_event_passes_at_once(
    exchange: ScriptedExchange, nginx: int, headers: dict[str, str]
) -> None:
    with EventSource(nginx, **headers) as stream:
        assert ("content-encoding" in stream.headers) == bool(headers)
        stream.wait_for_price("BTCUSDT", "1")
        for price in ("2", "3", "4"):
            exchange.tick(BTCUSDT=price)
            stream.wait_for_price("BTCUSDT", price)
    with EventSource(nginx, Last_Event_ID=stream.last_id, **headers) as again:
        assert again.wait_for_event("status")["mode"] == "none"


@pytest.mark.parametrize("nginx", ["1.1"], indirect=True)
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_websockets_pass(exchange: ScriptedExchange, nginx: int, compression: str | None) -> None:
    with WebSocket(f"ws://127.0.0.1:{nginx}/ws", compression=compression) as stream:
        stream.wait_for_price("BTCUSDT", "1")
        exchange.tick(BTCUSDT="2")
        stream.wait_for_price("BTCUSDT", "2")
        stream.say(op="ping")
        stream.wait_for_event("pong")
