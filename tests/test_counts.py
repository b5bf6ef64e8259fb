"""What the fan-out counts of itself."""

import re
import zlib

import gevent

from relay.fanout.client import MAX_SAID
from relay.fanout.counts import (
    MAX_DURATIONS,
    SSE_COMPRESSED,
    SSE_PLAIN,
    WS_COMPRESSED,
    WS_PLAIN,
    Counts,
)
from relay.metrics.reference import LIMITS
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
    bench.hub.leave(one.client)
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
    bench.hub.turn()
    assert counts.deliveries == 3 * 2 + 3


def test_bytes_are_counted_before_and_after_compression() -> None:
    bench = Bench()
    one = bench.join(gzip=True)
    bench.publish(*[f"SYMBOL{number}" for number in range(100)])
    bench.hub.turn()
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
        bench.hub.turn()
        bench.clock.advance(2)
        bench.publish("A")
        bench.hub.turn()
        assert bench.hub.counts.conflated == 0
        for _ in range(4):
            bench.publish("A")
            bench.hub.turn()
        bench.clock.advance(2)
        bench.hub.turn()
        assert bench.hub.counts.conflated == 3


def test_who_is_behind_is_counted_and_skips_to_the_newest() -> None:
    bench = Bench()
    bench.publish("A")
    slow = bench.join()
    counts = bench.hub.counts
    slow.sock.let(0)
    for _ in range(5):
        bench.publish("A")
        bench.hub.turn()
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
    bench.hub.turn()
    assert bench.hub.counts.behind == 1
    slow.client.close()
    assert bench.hub.counts.behind == 0


def test_a_cut_is_counted_by_why() -> None:
    bench = Bench()
    talker = bench.join()
    talker.client.receive = lambda _size: b"x" * (MAX_SAID + 1)  # type: ignore[method-assign]
    talker.client.read()
    assert bench.hub.counts.cuts == {"talk": 1}


def test_an_id_is_good_or_means_nothing_here() -> None:
    bench = Bench()
    bench.publish("A")
    hub = bench.hub
    assert hub.standing("") == 0
    assert hub.counts.resumes == {}
    assert hub.standing(hub.board.id) == 1
    assert hub.standing("another-1") == 0
    assert hub.counts.resumes == {"changes": 1, "full": 1}


def test_each_limit_that_is_counted_is_one_of_the_reference() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "relay").rglob("*.py"))
    counted = set(re.findall(r"""(?:refusals\.count|_refused)\(\s*"([A-Z_]+)\"""", sources))
    assert counted | {"ADDRESS_CONNECTIONS"} == set(LIMITS)


def test_durations_are_kept_up_to_a_bound() -> None:
    counts = Counts()
    for _ in range(2 * MAX_DURATIONS):
        counts.wrote(0.1)
    assert len(counts.writes) == MAX_DURATIONS
