"""What the fan-out counts of itself."""

import re
import zlib
from collections.abc import Callable

import gevent
import pytest

from relay.board import LOG_ENTRIES
from relay.fanout.client import MAX_SAID, MAX_UNFINISHED
from relay.fanout.counts import (
    MAX_DURATIONS,
    SSE_COMPRESSED,
    SSE_PLAIN,
    WS_COMPRESSED,
    WS_PLAIN,
    Counts,
)
from relay.fanout.terms import Symbols
from relay.metrics.reference import FAMILIES, LIMITS
from relay.server.bounds import Bounds
from relay.server.websocket import Closed, Left
from tests.fanout import Bench
from tests.processes import ROOT


def settle() -> None:
    for _ in range(5):
        gevent.sleep(0)


def test_streams_are_counted_by_transport_and_form() -> None:
    bench = Bench()
    one = bench.join()
    bench.join(gzip=True)
    bench.join(websocket=True)
    counts = bench.hub.counts
    kinds = (SSE_PLAIN, SSE_COMPRESSED, WS_PLAIN, WS_COMPRESSED)
    assert [counts.streams[kind] for kind in kinds] == [1, 1, 1, 0]
    bench.hub.crowd.leave(one.client)
    assert counts.streams[SSE_PLAIN] == 0
    assert sum(counts.opens) == 3


def test_a_delivery_is_an_update_that_a_client_is_given() -> None:
    bench = Bench()
    bench.publish("A", "B")
    for _ in range(3):
        bench.join()
    counts = bench.hub.counts
    assert counts.deliveries == 3 * 2
    bench.publish("A")
    bench.hub.rounds.go_round()
    assert counts.deliveries == 3 * 2 + 3


def test_bytes_are_counted_before_and_after_compression() -> None:
    bench = Bench()
    one = bench.join(gzip=True)
    bench.publish(*[f"SYMBOL{number}" for number in range(100)])
    bench.hub.rounds.go_round()
    counts, wire = bench.hub.counts, bytes(one.sock.taken)
    whole = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(wire)
    prices = whole[whole.index(b'data: {"symbol"') :]
    assert 0 < counts.sent < len(wire)
    # What stands in the first line is the id.
    assert 0 <= counts.sent + counts.saved - len(prices) < 100


def test_what_a_rate_leaves_out_is_conflated() -> None:
    for symbols in (None, ("A",)):
        bench = Bench()
        bench.publish("A")
        bench.join(symbols, rate=1.0)
        bench.hub.rounds.go_round()
        bench.clock.advance(2)
        bench.publish("A")
        bench.hub.rounds.go_round()
        assert bench.hub.counts.conflated == 0
        for _ in range(4):
            bench.publish("A")
            bench.hub.rounds.go_round()
        bench.clock.advance(2)
        bench.hub.rounds.go_round()
        assert bench.hub.counts.conflated == 3


def test_who_is_behind_is_counted_and_skips_to_the_newest() -> None:
    bench = Bench()
    bench.publish("A")
    slow = bench.join()
    counts = bench.hub.counts
    slow.sock.let(0)
    for _ in range(5):
        bench.publish("A")
        bench.hub.rounds.go_round()
    settle()
    assert (counts.behind, counts.conflated) == (1, 0)
    slow.sock.let(1 << 40)
    settle()
    assert (counts.behind, counts.conflated) == (0, 4)


def test_one_that_leaves_is_behind_no_more() -> None:
    bench = Bench()
    slow = bench.join()
    slow.sock.let(0)
    bench.publish("A")
    bench.hub.rounds.go_round()
    assert bench.hub.counts.behind == 1
    slow.client.close()
    assert bench.hub.counts.behind == 0


@pytest.mark.parametrize("symbols", [None, ("A",)], ids=["all", "named"])
def test_what_a_slowed_cohort_is_not_given_is_conflated(symbols: Symbols) -> None:
    bench = Bench()
    bench.publish("A")
    cohort = bench.join(symbols).client.cohort
    bench.hub.rounds.go_round()
    bench.publish("A")
    cohort.slow(1.0)
    bench.publish("A")
    bench.clock.advance(2)
    bench.hub.rounds.go_round()
    assert bench.hub.counts.conflated == 1
    bench.publish("A", "A", "A")
    cohort.slow(0.0)
    bench.hub.rounds.go_round()
    given = bench.hub.counts.conflated + cohort.given
    assert given == 5
    bench.publish("A")
    bench.hub.rounds.go_round()
    assert bench.hub.counts.conflated + cohort.given == 6


@pytest.mark.parametrize("symbols", [None, ("A",)], ids=["all", "named"])
def test_more_than_is_kept_between_two_passes_is_conflated(symbols: Symbols) -> None:
    bench = Bench()
    bench.publish("A")
    bench.join(symbols)
    bench.hub.rounds.go_round()
    for _ in range(5):
        bench.publish(*["A"] * (LOG_ENTRIES // 2))
    bench.hub.rounds.go_round()
    assert bench.hub.counts.conflated == 5 * (LOG_ENTRIES // 2) - 1


def talk(bench: Bench) -> None:
    talker = bench.join().client
    talker.receive = lambda _size: b"x" * (MAX_SAID + 1)  # type: ignore[method-assign]
    talker.read()


def stall(bench: Bench) -> None:
    slow = bench.join()
    slow.sock.let(0)
    slow.client._wait = lambda *_: False  # type: ignore[attr-defined]
    bench.publish("A")
    bench.hub.rounds.go_round()
    settle()


def ask_and_read_nothing(bench: Bench) -> None:
    greedy = bench.join(websocket=True)
    greedy.sock.let(0)
    for _ in range(MAX_UNFINISHED // 1000 + 2):
        greedy.client.write(b"x" * 1000)


def answer_no_ping(bench: Bench) -> None:
    bench.join(websocket=True)
    for _ in range(2):
        bench.hub.heartbeat()
        bench.hub.rounds.go_round()
        bench.clock.advance(100)
    bench.hub.heartbeat()


def break_a_rule(bench: Bench) -> None:
    _hear(bench, Closed(1002, "frame is not masked"))


def _hear(bench: Bench, end: Closed) -> None:
    client = bench.join(websocket=True).client

    def receive() -> str:
        raise end

    client._websocket.receive = receive  # type: ignore[attr-defined]
    client.read()


@pytest.mark.parametrize(
    ("reason", "happen"),
    [
        ("talk", talk),
        ("stall", stall),
        ("greed", ask_and_read_nothing),
        ("mute", answer_no_ping),
        ("breach", break_a_rule),
    ],
)
def test_each_cut_is_counted_once_by_why(reason: str, happen: Callable[[Bench], None]) -> None:
    bench = Bench()
    happen(bench)
    settle()
    assert bench.hub.counts.cuts == {reason: 1}
    assert reason in next(f.values for f in FAMILIES if f.name == "relay_cut_total")


def test_one_that_goes_is_not_cut() -> None:
    bench = Bench()
    _hear(bench, Left(1000))
    _hear(bench, Closed(1006, "end of stream"))
    assert bench.hub.counts.cuts == {}


def test_an_id_is_good_or_means_nothing_here() -> None:
    bench = Bench()
    bench.publish("A")
    hub = bench.hub
    assert hub.begin_at("") == 0
    assert hub.counts.resumes == {}
    assert hub.begin_at(hub.board.id) == 1
    assert hub.begin_at("another-1") == 0
    assert hub.counts.resumes == {"changes": 1, "full": 1}


def test_each_limit_that_is_counted_is_one_of_the_reference() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "relay").rglob("*.py"))
    counted = set(re.findall(r"""(?:refusals\.count|_refused)\(\s*"([A-Z_]+)\"""", sources))
    # Addresses and tokens have the same ones, but for what is no token's.
    bounds = {field.upper() for field in Bounds._fields} - {"WHOSE"}
    by_visitor = {f"ADDRESS_{name}" for name in bounds | {"CONNECTIONS"}}
    by_visitor |= {f"TOKEN_{name}" for name in bounds - {"GUESSES"}}
    assert counted | by_visitor == set(LIMITS)


def test_durations_are_kept_up_to_a_bound() -> None:
    counts = Counts()
    for _ in range(2 * MAX_DURATIONS):
        counts.wrote(0.1)
    assert len(counts.writes) == MAX_DURATIONS
