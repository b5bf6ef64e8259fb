"""Nothing that comes out of the relay holds a secret of its URLs, nor tells strangers where Redis is."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.closing import Closing
from tests.long import long_after
from tests.ports import free_port
from tests.processes import Gunicorn, Listener, RedisServer
from tests.scripted import ScriptedExchange
from tests.serving import serve

PLANTED = {
    "redis": "planted-redis",
    "proxy": "planted-proxy",
    "signature": "planted-signature",
    "key": "plantedListenKey" + 44 * "k",
    "seal": "planted-relay-secret",
    "token": "planted-access-token",
    "operator": "planted-operator-token",
    "ticket key": "planted-ticket-key",
}
QUERY = f"signature={PLANTED['signature']}&listenKey={PLANTED['key']}"
#: The unresolvable names; the first has no proxy before it.
NOWHERE, BEHIND_PROXY = "nowhere.invalid", "behind.invalid"


class Echo(Closing):
    """An exchange that refuses with the status that it is asked for, and repeats what it was sent."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = re.search(r"status=(\d+)", self.path)
                self.send_response(int(asked[1]) if asked else 400, self.path)
                self.send_header("Location", f"http://127.0.0.1:1{self.path}")
                self.send_header("Content-Length", str(len(self.path)))
                self.end_headers()
                self.wfile.write(self.path.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        serve(self._server)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class EchoRedis(Closing):
    """Refuses whatever it is sent, and repeats it, as a Redis does that does not know AUTH."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while sent := connection.recv(65536):
                said = re.sub(rb"[^ -~]+", b" ", sent)
                connection.sendall(
                    b"-ERR unknown command, with args beginning with: " + said + b"\r\n"
                )


def settings(redis_port: int | None, *urls: str) -> dict[str, str]:
    """Everything is logged, and each URL has a secret."""
    proxy = f"http://somebody:{PLANTED['proxy']}@127.0.0.1:{free_port()}"
    where = f"redis://:{PLANTED['redis']}@127.0.0.1:{redis_port}" if redis_port else "memory://"
    return {
        "REDIS_URL": where,
        "BINANCE_WS": ",".join(urls),
        "BINANCE_REST": f"http://127.0.0.1:{free_port()}",
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), proxy),
        "no_proxy": f"127.0.0.1,{NOWHERE}",
        "LOG_LEVEL": "debug",
        "RELAY_SECRET": PLANTED["seal"],
        "OPERATOR_TOKENS": f"admin:{PLANTED['operator']}",
        "TICKET_KEYS": "",
    }


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


def answers_of(relay: Gunicorn) -> str:
    """What a stranger may get of it."""
    said = []
    for path in ("/", "/livez", "/readyz", "/api/prices", "/api/closes", "/symbols/A", "/wall"):
        said.append(relay.http.get(path).text)
    said.append(relay.http.get("/api/history?symbol=BTCUSDT&interval=1m").text)
    said.append(relay.http.get("/nowhere").text)
    with relay.http.stream("GET", "/events") as stream:
        said.append(next(stream.iter_text()))
    with suppress(WebSocketException, OSError), connect(relay.ws_url) as client:
        said.append(str(client.recv(timeout=5)))
    return "\n".join(said)


def assert_nothing_is_given_away(said: str) -> None:
    assert [name for name, secret in PLANTED.items() if secret in said] == []


def test_an_exchange_that_fails_in_any_way_gives_nothing_away(echo: Echo) -> None:
    own = f"ws://127.0.0.1:{echo.port}/ws/{PLANTED['key']}"
    urls = [f"{own}?status={status}&{QUERY}" for status in (401, 403, 302, 500)]
    urls += [f"wss://{host}/ws/{PLANTED['key']}?{QUERY}" for host in (NOWHERE, BEHIND_PROXY)]
    urls.append(f"wss://127.0.0.1:{echo.port}/stream?streams={PLANTED['key']}&{QUERY}")
    with Gunicorn(**settings(None, *urls)) as relay:
        for pattern in ("HTTP 401", "HTTP 403", "HTTP 500", rf"//{NOWHERE}.* failed"):
            relay.wait_for_line(pattern)
        relay.wait_for_line(rf"//{BEHIND_PROXY}.* failed")
        public = answers_of(relay)
    assert '"source":"ws' in public
    assert_nothing_is_given_away(public + "".join(relay.output))


@pytest.mark.parametrize("kind", long_after(1, ["nobody", "password", "rubbish", "sentinel"]))
def test_a_redis_that_fails_in_any_way_gives_nothing_away(
    kind: str, echo: Echo, redis_server: RedisServer
) -> None:
    with ExitStack() as stack:
        port = free_port()
        if kind == "password":
            port = redis_server.port
        elif kind == "rubbish":
            port = stack.enter_context(EchoRedis()).port
        env = settings(port, f"ws://127.0.0.1:{echo.port}/ws/{PLANTED['key']}?{QUERY}")
        if kind == "sentinel":
            secret = PLANTED["redis"]
            query = f"sentinel_username=a&sentinel_password={secret}"
            env["REDIS_URL"] = f"redis+sentinel://:{secret}@127.0.0.1:{port}/master?{query}"
        listener = stack.enter_context(Listener(**env))
        relay = stack.enter_context(Gunicorn(**env))
        listener.wait_for_line("the store is away")
        relay.wait_for_line("redis: ")
        public = answers_of(relay)
    assert '"reason":"redis: ' in public
    assert_nothing_is_given_away(public + "".join(relay.output + listener.output))
    assert f":{port}" not in public
    assert "<redis." not in public


def test_what_stands_in_redis_has_no_secret(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path) as server,
        ScriptedExchange() as exchange,
        ExitStack() as stack,
    ):
        client = redis.Redis(port=server.port)
        client.config_set("requirepass", PLANTED["redis"])
        client.auth(PLANTED["redis"])
        env = settings(server.port, f"ws://127.0.0.1:{exchange.port}/ws/!miniTicker@arr?{QUERY}")
        listener = stack.enter_context(Listener(**env))
        relay = stack.enter_context(Gunicorn(**env))
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        public = answers_of(relay)
        kept = b"".join(client.dump(key) or b"" for key in client.keys("*")).decode("latin-1")
        heads = [client.hgetall(key) for key in client.keys("*") if client.type(key) == b"hash"]
    shown = f"ws://127.0.0.1:{exchange.port}/ws/!miniTicker@arr?…"
    assert shown in public
    assert any(shown.encode() in b"".join(head.values()) for head in heads)
    said = public + kept + repr(heads) + "".join(relay.output + listener.output)
    assert_nothing_is_given_away(said)
    assert f":{server.port}" not in public


def test_what_opens_the_relay_is_shown_to_nobody(tmp_path: Path) -> None:
    """Two workers and a listener that say all they can, and clients who show what they have everywhere."""
    with RedisServer(tmp_path) as server, ScriptedExchange() as exchange, ExitStack() as stack:
        redis.Redis(port=server.port).config_set("requirepass", PLANTED["redis"])
        env = settings(server.port, f"ws://127.0.0.1:{exchange.port}/ws/!miniTicker@arr?{QUERY}")
        env |= {
            "ACCESS_TOKENS": f"desk:{PLANTED['token']}",
            "TICKET_KEYS": PLANTED["ticket key"],
        }
        listener = stack.enter_context(Listener(**env))
        relay = stack.enter_context(Gunicorn(2, options=("--access-logfile", "-"), **env))
        exchange.tick(BTCUSDT="1")
        token = {"Authorization": f"Bearer {PLANTED['token']}"}
        said = []
        for shown in (token, {"Authorization": f"Basic {PLANTED['token']}"}, {}):
            for path in ("/", "/api/prices", "/status", "/metrics", "/nowhere"):
                said.append(relay.http.get(path, headers=shown).text)
        operator = {"Authorization": f"Bearer {PLANTED['operator']}"}
        for path in ("/status", "/metrics", "/api/prices"):
            said.append(relay.http.get(path, headers=operator).text)
        ticket = relay.http.post("/api/ticket", headers=token).json()["ticket"]
        for one in (ticket, f"{ticket}x"):
            for path in ("/api/prices", "/nowhere", "/ws"):
                said.append(relay.http.get(f"{path}?ticket={one}").text)
        # A Redis that goes away has its address and account in many a failure.
        server.close()
        relay.wait_for_line("redis: ")
        listener.wait_for_line("the store is away")
        logged = "".join(relay.output + listener.output)
    assert_nothing_is_given_away("\n".join(said) + logged)
    assert ticket not in logged
    assert "ticket=..." in logged
