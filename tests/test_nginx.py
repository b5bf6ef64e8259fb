"""Behind nginx, configured as the README says: nothing is held back, nothing is broken."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.processes import Gunicorn, Process, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket

CONFIG = """
daemon off; pid {directory}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{relay};
            {version}
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection {connection};
        }}
    }}
}}
"""


@pytest.fixture(params=["1.1", "1.0"])
def nginx(request: pytest.FixtureRequest, relay: Gunicorn, tmp_path: Path) -> Iterator[int]:
    """nginx in front of the relay, speaking HTTP/1.1 or its default 1.0 to it; its port."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    upgrade = request.param == "1.1"
    text = CONFIG.format(
        directory=tmp_path,
        port=port,
        relay=relay.port,
        version="proxy_http_version 1.1;" if upgrade else "",
        connection='"upgrade"' if upgrade else '"close"',
    )
    (tmp_path / "nginx.conf").write_text(text)
    with Process([program, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)]):
        wait_until(lambda: _listens(port), "nginx to listen")
        yield port


def _listens(port: int) -> bool:
    try:
        EventSource(port).close()
    except OSError:
        return False
    return True


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
