"""What a client says over its WebSocket, and how much its answer may weigh."""

import json

import msgspec
import pytest

from relay.fanout.encoding import MAX_PIECE_BYTES
from relay.feed_status import FeedStatus
from relay.web.subscription import MAX_NAMES_BYTES
from tests.fanout import Bench, Connection


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.publish("A", "B")
    return bench


@pytest.fixture
def client(bench: Bench) -> Connection:
    return bench.join(("A",), websocket=True)


def answer(bench: Bench, client: Connection, **command: object) -> dict[str, object]:
    """The event that answers a command."""
    bench.command(client, **command)
    bench.look()
    return client.viewer.events[-1]


def names(letter: str, start: int = 0) -> list[str]:
    """As many of the longest names as one client may have, give or take one."""
    size = len(letter.encode()) * 28 + 4 + 3
    return [letter * 28 + f"{i:04}" for i in range(start, start + MAX_NAMES_BYTES // size)]


@pytest.mark.parametrize("letter", ["X", "é", "币", "𠀀"])
def test_no_status_is_longer_than_an_event_may_be(
    bench: Bench, client: Connection, letter: str
) -> None:
    """Even where a feed says as much as it can, in what JSON spells with six characters each."""
    most = 2**53
    long = "\x01" * 50_000
    said = FeedStatus("live", True, long, 1e12 / 3, long, latency=most, time=most, standbys=most)
    bench.hub.take(said)
    status = answer(bench, client, op="subscribe", symbols=names(letter))
    assert status["event"] == "status", status
    assert len(status["symbols"]) == len(status["unknown"]) + 1 > 90  # type: ignore[arg-type]
    assert len(msgspec.json.encode(status)) < MAX_PIECE_BYTES


def test_symbols_are_bounded_by_bytes_also_where_they_come_one_after_the_other(
    bench: Bench, client: Connection
) -> None:
    symbols = names("X")
    assert answer(bench, client, op="subscribe", symbols=symbols[:200])["event"] == "status"
    assert answer(bench, client, op="subscribe", symbols=symbols[200:-1])["event"] == "status"
    refused = answer(bench, client, op="subscribe", symbols=names("Y")[:2])
    assert "symbols may take 12288 bytes at most in all" in str(refused["error"])
    assert len(client.symbols or ()) == len(symbols)


@pytest.mark.parametrize("ident", [0, 2**63 - 1, -(2**63), "", "x" * 64, "币" * 64])
def test_a_ping_gets_its_id_back(bench: Bench, client: Connection, ident: int | str) -> None:
    assert answer(bench, client, op="ping", id=ident)["re"] == ident


@pytest.mark.parametrize(
    "ident",
    [
        2**63,
        -(2**63) - 1,
        pytest.param(10**400, id="huge"),
        "x" * 65,
        pytest.param("x" * 30_000, id="long"),
        1.5,
        [1],
    ],
)
def test_a_longer_id_is_refused(bench: Bench, client: Connection, ident: object) -> None:
    refused = answer(bench, client, op="ping", id=ident)
    assert refused["event"] == "error"
    assert len(json.dumps(refused)) < 300


@pytest.mark.parametrize(
    "rate",
    ["1e400", "1e-400", '"1"', "true", pytest.param("9" * 400, id="huge")],
)
def test_a_rate_that_is_none_is_refused(bench: Bench, client: Connection, rate: str) -> None:
    bench.commands.obey(client.client, f'{{"op":"rate","rate":{rate}}}')  # type: ignore[arg-type]
    bench.look()
    if rate == "1e-400":
        # Nothing at all, which means no limit.
        assert client.viewer.events[-1]["rate"] == 0
    else:
        assert client.viewer.events[-1]["event"] == "error"


def test_one_command_does_not_cut_a_client_that_reads_at_once(
    bench: Bench, client: Connection
) -> None:
    """Its socket was full a moment ago, and nobody has looked since."""
    client.sock.let(0)
    bench.command(client, op="subscribe", symbols=names("X"))
    bench.command(client, op="rate", rate=5)
    client.sock.let(1 << 40)
    bench.command(client, op="rate", rate=6)
    bench.settle()
    bench.look()
    assert not client.client.leaving
    assert 6 in [event.get("rate") for event in client.viewer.events]


def test_a_client_that_asks_and_never_reads_is_cut(bench: Bench, client: Connection) -> None:
    client.sock.let(0)
    bench.command(client, op="subscribe", symbols=names("X"))
    bench.command(client, op="rate", rate=5)
    assert not client.client.leaving
    bench.command(client, op="rate", rate=6)
    assert client.client.leaving


def test_the_rate_that_is_in_force_is_said(bench: Bench, client: Connection) -> None:
    assert answer(bench, client, op="rate", rate=50.0001)["rate"] == 50
    slow = bench.join(("A",), rate=2)
    bench.look()
    assert slow.viewer.events[0]["rate"] == 2
    assert "rate" not in client.viewer.events[0]
