"""GET /ws as its users meet it."""

import contextlib
import os
import socket
import struct

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket


def shake_hands(port: int, path: str = "/ws") -> socket.socket:
    """A WebSocket by hand, for what no library would send."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return sock


def close_code(sock: socket.socket) -> int:
    """The code of the Close frame that the server sends sooner or later."""
    with sock, sock.makefile("rb") as file:
        while True:
            first, size = file.read(2)
            if size == 126:
                size = int.from_bytes(file.read(2), "big")
            payload = file.read(size)
            if first & 0x0F == 8:
                return int.from_bytes(payload[:2], "big")


def masked(first: int, payload: bytes) -> bytes:
    key = os.urandom(4)
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    size = len(payload)
    head = (
        bytes((first, 0x80 | size))
        if size < 126
        else bytes((first, 0xFE)) + struct.pack("!H", size)
    )
    return head + key + body


def test_the_snapshot_comes_first_and_then_every_update(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with WebSocket(relay.ws_url) as stream:
        assert stream.wait_for_price("BTCUSDT") == "1"
        assert stream.events[0]["event"] == "status"
        assert stream.events[0]["mode"] == "full"
        exchange.tick(BTCUSDT="1.50000000")
        stream.wait_for_price("BTCUSDT", "1.50000000")
        newest = relay.http.get("/api/prices").json()["id"]
        assert stream.updates[-1] == {"symbol": "BTCUSDT", "price": "1.50000000", "id": newest}


def test_symbols_are_subscribed_and_unsubscribed_while_connected(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with WebSocket(f"{relay.ws_url}?symbols=BTCUSDT") as stream:
        stream.wait_for_price("BTCUSDT")
        stream.say(op="subscribe", symbols=["ethusdt"])
        stream.wait_for_price("ETHUSDT", "2")
        assert [u["symbol"] for u in stream.updates] == ["BTCUSDT", "ETHUSDT"]
        stream.say(op="unsubscribe", symbols=["BTCUSDT"])
        stream.wait_for_event("status", symbols=["ETHUSDT"])
        exchange.tick(BTCUSDT="5", ETHUSDT="6")
        stream.wait_for_price("ETHUSDT", "6")
        assert stream.prices["BTCUSDT"] == "1"
        stream.say(op="subscribe")
        stream.wait_for_price("BTCUSDT", "5")


def test_everything_unsubscribed_is_silence_but_not_the_end(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with WebSocket(relay.ws_url) as stream:
        stream.wait_for_price("ETHUSDT")
        stream.say(op="unsubscribe")
        stream.wait_for_event("status", symbols=[])
        exchange.tick(BTCUSDT="5")
        stream.say(op="ping", id="done")
        assert stream.wait_for_event("pong")["re"] == "done"
        assert stream.prices["BTCUSDT"] == "1"


def test_the_rate_is_changed_while_connected(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    with WebSocket(f"{relay.ws_url}?rate=0.01") as stream:
        stream.wait_for_price("BTCUSDT", "1")
        exchange.tick(BTCUSDT="2")
        stream.wait_for_price("BTCUSDT", "2")
        exchange.tick(BTCUSDT="3")
        wait_until(
            lambda: relay.http.get("/api/prices").json()["prices"]["BTCUSDT"] == "3", "BTC at 3"
        )
        assert stream.prices["BTCUSDT"] == "2"
        stream.say(op="rate", rate=50)
        stream.wait_for_price("BTCUSDT", "3")


def test_one_id_serves_both_transports_and_the_poll(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port) as events:
        events.wait_for(lambda: events.last_id, "an id")
    exchange.tick(ETHUSDT="3")
    wait_until(lambda: relay.http.get("/api/prices").json()["prices"]["ETHUSDT"] == "3", "ETH at 3")
    with WebSocket(f"{relay.ws_url}?since={events.last_id}") as stream:
        assert stream.wait_for_event("status")["mode"] == "changes"
        stream.wait_for_price("ETHUSDT", "3")
        assert stream.prices == {"ETHUSDT": "3"}
    polled = relay.http.get(f"/api/prices?since={events.last_id}").json()
    assert (polled["mode"], polled["prices"]) == ("changes", {"ETHUSDT": "3"})


def test_whole_tickers_and_whole_batches_on_request(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with WebSocket(f"{relay.ws_url}?fields=ticker&batch=1") as stream:
        stream.wait_for_price("ETHUSDT")
        assert stream.updates[0]["high"] == "9"


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "{}",
        '{"op":"dance"}',
        '{"op":"subscribe","symbols":"BTCUSDT"}',
        '{"op":"subscribe","symbols":[1]}',
        '{"op":"subscribe","symbols":["BTC-USDT"]}',
        '{"op":"subscribe","symbols":[]}',
        '{"op":"rate"}',
        '{"op":"rate","rate":-1}',
        '{"op":"rate","rate":"fast"}',
        b'{"op":"ping"}',
    ],
)
def test_a_bad_message_is_answered_and_nothing_is_lost(
    quiet_relay: Gunicorn, message: str | bytes
) -> None:
    with WebSocket(quiet_relay.ws_url) as stream:
        stream.send(message)
        assert stream.wait_for_event("error")["error"]
        stream.say(op="ping")
        stream.wait_for_event("pong")
        stream.wait_for_price("BTCUSDT", "1")


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("rubbish", 1007, "no JSON"),
        ('{"op":"rate","rate":NaN}', 1007, "no JSON"),
        ('{"op":"ping","x":' + "[" * 30_000, 1008, "nested too deeply"),
        ('{"":[' * 6_000, 1008, "nested too deeply"),
    ],
    ids=["words", "not a number", "arrays", "objects"],
)
def test_what_nobody_says_who_means_well_ends_the_connection(
    quiet_relay: Gunicorn, message: str, code: int, reason: str
) -> None:
    printed = len(quiet_relay.output)
    with WebSocket(quiet_relay.ws_url) as stream:
        stream.send(message)
        stream.wait_for_end()
        assert (stream.close_code, stream.close_reason) == (code, reason)
    assert quiet_relay.http.get("/livez").status_code == 200
    assert "Traceback" not in "".join(quiet_relay.output[printed:])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes((0x81, 2)) + b"hi", 1002),  # not masked
        (bytes((0x81, 0xFF)) + (1 << 40).to_bytes(8, "big") + b"mask", 1009),  # 1 TiB
        (masked(0x81, b"x" * 40000), 1009),
        (masked(0x01, b"x" * 30000) + masked(0x80, b"x" * 30000), 1009),
        (masked(0x81, b"\xff\xfe"), 1007),
        (masked(0xC1, b"x"), 1002),  # a reserved bit
        (masked(0x88, struct.pack("!H", 1000)), 1000),
    ],
    ids=["unmasked", "huge", "oversized", "fragments", "utf8", "rsv", "close"],
)
def test_a_breach_of_protocol_is_closed_with_its_code(
    quiet_relay: Gunicorn, data: bytes, code: int
) -> None:
    sock = shake_hands(quiet_relay.port)
    with contextlib.suppress(ConnectionError):
        sock.sendall(data)
    assert close_code(sock) == code


def test_a_command_sent_with_the_handshake_is_obeyed(quiet_relay: Gunicorn) -> None:
    with socket.create_connection(("127.0.0.1", quiet_relay.port), timeout=10) as sock:
        sock.sendall(
            b"GET /ws?symbols=BTCUSDT HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n" + masked(0x81, b'{"op":"ping","id":77}')
        )
        said = b""
        while b'"re":77' not in said:
            said += sock.recv(65536)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_vanished_client_is_released_while_nothing_is_published(
    quiet_relay: Gunicorn, how: str
) -> None:
    sock = shake_hands(quiet_relay.port)
    wait_until(lambda: quiet_relay.ready()["clients"] == 1, "the client to be counted")
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    wait_until(lambda: quiet_relay.ready()["clients"] == 0, "the client to be released", seconds=1)


def test_a_plain_request_is_told_to_upgrade(quiet_relay: Gunicorn) -> None:
    answer = quiet_relay.http.get("/ws")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nothing", 404), ("/ws?rate=fast", 400)],
)
def test_a_handshake_is_refused_before_the_upgrade(
    quiet_relay: Gunicorn, path: str, status: int
) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{quiet_relay.port}{path}"),
    ):
        pass
    assert refused.value.response.status_code == status


UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    "path",
    ["/", "/livez", "/readyz", "/api/prices", "/static/relay.js", "/symbols/BTCUSDT", "/nothing"],
)
def test_an_upgrade_is_ignored_where_there_is_none(quiet_relay: Gunicorn, path: str) -> None:
    with_it = quiet_relay.http.get(path, headers=UPGRADE)
    assert with_it.status_code == quiet_relay.http.get(path).status_code
    assert "upgrade" not in with_it.headers


def test_an_upgrade_is_ignored_on_events(quiet_relay: Gunicorn) -> None:
    headers = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
    with EventSource(quiet_relay.port, **headers) as stream:
        stream.wait_for_price("BTCUSDT", "1")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_a_handshake_is_a_get(quiet_relay: Gunicorn, method: str) -> None:
    answer = quiet_relay.http.request(method, "/ws", headers=UPGRADE)
    assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 99"), b"426"),
        ((b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Key: x"), b"426"),
        ((b"HTTP/1.1", b"HTTP/1.0"), b"426"),
        ((b"Upgrade: websocket", b"Upgrade: h2c"), b"426"),
        ((b"Connection: Upgrade", b"Connection: close"), b"426"),
        ((b"Upgrade: websocket", b"Upgrade: h2c, WebSocket"), b"101"),
        ((b"Connection: Upgrade", b"Connection: keep-alive, upgrade"), b"101"),
    ],
    ids=["version", "key", "http10", "upgrade", "connection", "upgrades", "connections"],
)
def test_a_wrong_handshake_gets_an_answer(
    quiet_relay: Gunicorn, change: tuple[bytes, bytes], status: bytes
) -> None:
    request = (
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", quiet_relay.port), timeout=10) as sock:
        sock.sendall(request.replace(*change))
        assert sock.recv(4096).split()[1] == status


def test_only_allowed_origins_may_connect(exchange: ScriptedExchange) -> None:
    with Gunicorn(BINANCE_WS=exchange.url, ALLOWED_ORIGINS="https://a.example") as relay:
        exchange.tick(BTCUSDT="1")
        with WebSocket(relay.ws_url, origin="https://a.example") as stream:
            stream.wait_for_price("BTCUSDT")
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(relay.ws_url, origin="https://b.example"),
        ):
            pass
        assert refused.value.response.status_code == 403
