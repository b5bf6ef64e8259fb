"""The simulator misbehaves on demand, and behaves again when told to."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import websocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests import plain_http
from tests.exchange import WAIT, Simulator, hear_nothing, hear_until_closed

SILENCE = 0.5  # seconds; the clock ticks every 0.05
STREAM = "!miniTicker@arr"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    options = ("--market", "clock", "--symbols", "3", "--hz", "20")
    quick = ("--handshake-delay", "0.3", "--retry-after", "7", "--shutdown-notice", "0.1")
    with Simulator(*options, *quick, "--rest-delay", "0.3") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.clear()


@pytest.fixture(scope="module")
def silent_market() -> Iterator[Simulator]:
    with Simulator("--market", "still") as simulator:
        yield simulator


@pytest.fixture
def still(silent_market: Simulator) -> Iterator[Simulator]:
    yield silent_market
    silent_market.clear()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[ClientConnection]:
    with connect(f"{simulator.url}/ws/{STREAM}", close_timeout=1, compression=None) as client:
        hear(client)
        yield client


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT))


@contextmanager
def listen_raw(simulator: Simulator, stream: str = "a@trade") -> Iterator[websocket.WebSocket]:
    """A connection whose frames can be looked at one by one, and which is not closed politely."""
    raw = websocket.create_connection(f"{simulator.url}/ws/{stream}", timeout=WAIT)
    try:
        yield raw
    finally:
        raw.shutdown()


@pytest.mark.parametrize("name", ["silent", "ack-only"])
def test_no_data_but_pings_and_acks(
    simulator: Simulator, client: ClientConnection, name: str
) -> None:
    simulator.fault(name)
    hear_nothing(client, SILENCE)
    assert client.ping().wait(WAIT)
    client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
    assert hear(client) == {"result": [STREAM], "id": 1}
    simulator.clear(name)
    assert isinstance(hear(client), list)


def test_half_open_connection_neither_reads_nor_writes(
    simulator: Simulator, client: ClientConnection
) -> None:
    simulator.fault("half-open")
    hear_nothing(client, SILENCE)
    pong = client.ping()
    assert not pong.wait(SILENCE)
    simulator.clear()
    assert pong.wait(WAIT)
    assert isinstance(hear(client), list)


def test_retired_stream_is_acknowledged_and_silent_while_others_deliver(
    still: Simulator,
) -> None:
    still.fault("retired")
    with connect(f"{still.url}/ws") as client:
        client.send(json.dumps({"method": "SUBSCRIBE", "params": [STREAM, "a@trade"], "id": 1}))
        assert hear(client) == {"result": None, "id": 1}
        still.publish(STREAM, "[1]")
        still.publish("a@trade", "[2]")
        assert hear(client) == [2]
        still.clear()
        still.publish(STREAM, "[3]")
        assert hear(client) == [3]


def test_refused_subscription_subscribes_to_nothing(still: Simulator) -> None:
    still.fault("subscribe-error")
    with connect(f"{still.url}/ws/a@trade") as client:
        client.send('{"method":"SUBSCRIBE","params":["b@trade"],"id":"x1"}')
        reply = hear(client)
        assert (reply["error"]["code"], reply["id"]) == (2, "x1")
        client.send('{"method":"LIST_SUBSCRIPTIONS","id":2}')
        assert hear(client)["result"] == ["a@trade"]
        still.clear()
        client.send('{"method":"SUBSCRIBE","params":["b@trade"],"id":3}')
        assert hear(client) == {"result": None, "id": 3}


@pytest.mark.parametrize("size", [4, 300])
def test_mid_frame_stops_in_the_middle_of_a_frame_for_ever(still: Simulator, size: int) -> None:
    payload = "[" + "1" * (size - 2) + "]"
    with listen_raw(still) as early:
        still.publish("a@trade", payload)
        assert early.recv_frame().data == payload.encode()
        still.fault("mid-frame")
        with listen_raw(still) as late:
            still.publish("a@trade", payload)
            still.clear()
            still.publish("a@trade", payload)
            for raw in (early, late):
                raw.ping()
                raw.sock.settimeout(SILENCE)
                with pytest.raises(websocket.WebSocketTimeoutException):
                    raw.recv_frame()
                # What the library holds of the frame that never becomes whole.
                assert raw.frame_buffer.length == size
                assert b"".join(raw.frame_buffer.recv_buffer) == payload[: size // 2].encode()
    still.wait_for_clients(0)


def test_drop_resets_once(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("drop")
    _, closed = hear_until_closed(client)
    assert closed.rcvd is None
    assert simulator.status()["faults"] == []
    with connect(f"{simulator.url}/ws/{STREAM}") as again:
        hear(again)


def test_close_says_going_away(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("close")
    _, closed = hear_until_closed(client)
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1001


def test_shutdown_is_announced(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("shutdown")
    heard = [json.loads(message) for message in hear_until_closed(client)[0]]
    assert [m["e"] for m in heard if isinstance(m, dict)] == ["serverShutdown"]


def test_duplicate_sends_every_frame_twice(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("duplicate")
    frames = [client.recv(timeout=WAIT) for _ in range(12)]
    start = next(n for n in range(10) if frames[n] == frames[n + 1])
    assert frames[start] == frames[start + 1]
    assert frames[start + 1 : start + 2] != frames[start + 2 : start + 3]


def test_older_frames_have_another_price(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("older")
    frames = [hear(client) for _ in range(16)]
    times = [frame[0]["E"] for frame in frames]
    late = next(n for n in range(1, 16) if times[n] < times[n - 1])
    assert times[late] == times[late - 1] - 60_000
    assert frames[late][0]["c"] != frames[late - 1][0]["c"]


def test_garbage_comes_between_good_frames(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("garbage")
    messages = [client.recv(timeout=WAIT) for _ in range(24)]
    assert any(isinstance(message, bytes) for message in messages)
    good = [m for m in messages if isinstance(m, str) and m.endswith('"q":"1.00000000"}]')]
    assert 8 <= len(good) < 24


def test_junk_only_comes_instead_of_frames(simulator: Simulator, client: ClientConnection) -> None:
    simulator.fault("junk-only")
    messages = [client.recv(timeout=WAIT) for _ in range(24)]
    junk = messages[-16:]  # what was under way when it began is over by now
    assert len(set(junk)) == 8
    assert any(isinstance(message, bytes) for message in junk)
    assert not any('"q":"1.00000000"' in str(message) for message in junk)
    simulator.clear()
    while not str(client.recv(timeout=WAIT)).endswith('"q":"1.00000000"}]'):
        pass


def test_fragmented_messages_are_whole_in_the_end(simulator: Simulator) -> None:
    simulator.fault("fragmented")
    with listen_raw(simulator, STREAM) as raw:
        frames = [raw.recv_frame()]
        while not frames[-1].fin:
            frames.append(raw.recv_frame())
    assert len(frames) > 2
    assert {frame.opcode for frame in frames[1:]} == {websocket.ABNF.OPCODE_CONT}
    assert len(json.loads(b"".join(frame.data for frame in frames))) == 3


@pytest.mark.parametrize("status", [403, 418, 429, 451, 503])
def test_refusals(simulator: Simulator, status: int) -> None:
    simulator.fault(f"refuse-{status}")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{simulator.url}/ws")
    response = refused.value.response
    assert response.status_code == status
    assert response.headers.get("Retry-After") == ("7" if status in (418, 429) else None)
    assert simulator.get("/api/v3/ping").status_code == status
    simulator.clear()
    assert simulator.get("/api/v3/ping").status_code == 200


@pytest.mark.parametrize(
    ("name", "status"), [("rest-418", 418), ("rest-429", 429), ("rest-down", 503)]
)
def test_refusals_to_rest_alone(simulator: Simulator, name: str, status: int) -> None:
    simulator.fault(name)
    answer = simulator.get("/api/v3/ping")
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("7" if status in (418, 429) else None)
    with connect(f"{simulator.url}/ws/{STREAM}") as client:
        hear(client)
    simulator.clear()
    assert simulator.get("/api/v3/ping").status_code == 200


def test_rest_junk_is_half_of_the_answer(simulator: Simulator) -> None:
    whole = simulator.get("/api/v3/exchangeInfo", symbol="BTCUSDT").text
    simulator.fault("rest-junk")
    half = simulator.get("/api/v3/exchangeInfo", symbol="BTCUSDT")
    assert half.status_code == 200
    assert len(half.text) == len(whole) // 2
    with pytest.raises(json.JSONDecodeError):
        half.json()


def test_rest_slow_is_slower_than_the_caller_waits(simulator: Simulator) -> None:
    simulator.fault("rest-slow")
    with pytest.raises(httpx.ReadTimeout):
        plain_http.get(f"{simulator.http}/api/v3/ping", timeout=0.1, trust_env=False)
    assert simulator.get("/api/v3/ping").json() == {}


def test_slow_handshake_is_slower_than_the_client_waits(simulator: Simulator) -> None:
    simulator.fault("slow-handshake")
    with pytest.raises(TimeoutError):
        connect(f"{simulator.url}/ws", open_timeout=0.1)


def test_unknown_fault_is_refused_with_the_known_ones(simulator: Simulator) -> None:
    answer = simulator.get("/simulator/fault", set="nonsense")
    assert answer.status_code == 400
    assert "half-open" in answer.json()["known"]


def test_client_that_does_not_read_is_dropped_after_a_bounded_buffer() -> None:
    options = ("--market", "clock", "--symbols", "5000", "--hz", "100")
    with Simulator(*options) as simulator:
        host, port = simulator.url.removeprefix("ws://").split(":")
        with socket.create_connection((host, int(port)), timeout=WAIT) as raw:
            raw.sendall(
                f"GET /ws/{STREAM} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            with connect(f"{simulator.url}/ws/{STREAM}", max_size=None) as reader:
                for _ in range(2000):
                    reader.recv(timeout=WAIT)
                    status = simulator.status()
                    if status["accepted"] == 2 and status["clients"] == 1:
                        break
                else:
                    pytest.fail("the client that does not read is still connected")
