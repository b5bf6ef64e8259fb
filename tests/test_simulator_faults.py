"""The simulator misbehaves on demand, and behaves again when told to."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import websocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.exchange import WAIT, Simulator, hear_nothing, hear_until_closed

SILENCE = 0.5  # seconds; the clock ticks every 0.05
STREAM = "!miniTicker@arr"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    options = ("--market", "clock", "--symbols", "3", "--hz", "20")
    quick = ("--handshake-delay", "0.3", "--retry-after", "7", "--shutdown-notice", "0.1")
    with Simulator(*options, *quick) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.clear()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[ClientConnection]:
    with connect(f"{simulator.url}/ws/{STREAM}", close_timeout=1, compression=None) as client:
        hear(client)
        yield client


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT))


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


def test_fragmented_messages_are_whole_in_the_end(simulator: Simulator) -> None:
    simulator.fault("fragmented")
    raw = websocket.create_connection(f"{simulator.url}/ws/{STREAM}", timeout=WAIT)
    frames = [raw.recv_frame()]
    while not frames[-1].fin:
        frames.append(raw.recv_frame())
    raw.shutdown()
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
