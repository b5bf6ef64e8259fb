"""Behind nginx, configured as docs/proxies.md says: nothing is held back, nothing is broken."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from relay.server.unbelieved import MANY_STREAMS
from tests.long import long_after
from tests.nginx import UPGRADES, Nginx
from tests.processes import WAIT_SECONDS, Gunicorn
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket


@pytest.fixture(params=["1.1", "1.0"])
def nginx(request: pytest.FixtureRequest, relay: Gunicorn, tmp_path: Path) -> Iterator[int]:
    """nginx in front of the relay, speaking HTTP/1.1 or its default 1.0 to it; its port."""
    with Nginx(tmp_path, relay.port, UPGRADES if request.param == "1.1" else "") as nginx:
        yield nginx.port


@pytest.mark.parametrize(
    "headers", long_after(1, [{}, {"Accept_Encoding": "gzip"}]), ids=["plain", "gzip"]
)
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
@pytest.mark.parametrize("compression", long_after(1, [None, "deflate"]))
def test_websockets_pass(exchange: ScriptedExchange, nginx: int, compression: str | None) -> None:
    with WebSocket(f"ws://127.0.0.1:{nginx}/ws", compression=compression) as stream:
        stream.wait_for_price("BTCUSDT", "1")
        exchange.tick(BTCUSDT="2")
        stream.wait_for_price("BTCUSDT", "2")
        stream.say(op="ping")
        stream.wait_for_event("pong")


#: As docs/proxies.md has it.
FORWARDED = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
#: Addresses of this machine that are not trusted by default: where nginx asks from, and where a client does.
_PROXY, _CLIENT = "127.0.0.40", "127.0.0.66"


@pytest.mark.parametrize(
    ("named", "limited"),
    [(_PROXY, "the client"), ("10.9.9.9", "the proxy"), ("", "the proxy")],
    ids=["right", "wrong", "none"],
)
def test_a_proxy_that_is_not_named_is_noticed(
    named: str, limited: str, exchange: ScriptedExchange, tmp_path: Path
) -> None:
    many = MANY_STREAMS
    settings = {"ADDRESS_STREAMS": str(many + 1), "ADDRESS_OPENS": "0"}
    if named:
        settings["FORWARDED_ALLOW_IPS"] = named
    with ExitStack() as stack:
        relay = stack.enter_context(Gunicorn(BINANCE_WS=exchange.url, **settings))
        directives = f"{UPGRADES} {FORWARDED} proxy_bind {_PROXY};"
        nginx = stack.enter_context(Nginx(tmp_path, relay.port, directives))

        def opened(address: str) -> str:
            sock = socket.create_connection(
                ("127.0.0.1", nginx.port), WAIT_SECONDS, source_address=(address, 0)
            )
            stack.enter_context(sock)
            sock.sendall(b"GET /events?symbols=A HTTP/1.1\r\nHost: x\r\n\r\n")
            said = b""
            while b"event: " not in said or b"\n\n" not in said.partition(b"event: ")[2]:
                said += sock.recv(4096)
            return said.decode()

        assert all("event: status" in opened(_CLIENT) for _ in range(many + 1))
        refused = opened(_CLIENT)
        assert "ADDRESS_STREAMS; behind a proxy set FORWARDED_ALLOW_IPS" in refused
        elsewhere = opened("127.0.0.67")
        if limited == "the proxy":
            assert "ADDRESS_STREAMS" in elsewhere
            relay.wait_for_line(rf"{_PROXY} has {many} streams.*name it in FORWARDED_ALLOW_IPS")
        else:
            assert "event: status" in elsewhere
            assert "FORWARDED_ALLOW_IPS" not in "".join(relay.output)
