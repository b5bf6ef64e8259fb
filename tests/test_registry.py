"""How many lists of symbols one address may have to itself, and what changing one's mind costs."""

import pytest

from relay.fanout import registry
from relay.fanout.door import Full
from relay.fanout.registry import EVERYTHING, LEAST
from relay.server.bounds import Bounds
from relay.server.visitors import Visitor
from tests.fanout import Bench

NAMES = [f"S{i}" for i in range(600)]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.publish(*NAMES)
    return bench


@pytest.fixture
def visitor() -> Visitor:
    return Visitor("10.0.0.1", Bounds(symbols=2 * EVERYTHING))


def test_an_address_may_name_so_many_symbols_that_nobody_else_asks_for(
    bench: Bench, visitor: Visitor
) -> None:
    first = bench.join(tuple(NAMES[:512]), guest=visitor)
    bench.join(None, guest=visitor)
    assert visitor.symbols == 2 * EVERYTHING
    with pytest.raises(Full, match=r"ADDRESS_SYMBOLS.*FORWARDED_ALLOW_IPS"):
        bench.join(("S1",), guest=visitor)
    assert bench.hub.door.refusals.counts == {"ADDRESS_SYMBOLS": 1}
    # Nothing was kept of who was refused.
    assert (visitor.streams, bench.hub.door.streams) == (2, 2)
    # What others have, it may have as well, and so may the machine itself.
    bench.join(("S1",))
    bench.join(("S1",), guest=visitor)
    bench.leave(first)
    bench.join(("S2",), guest=visitor)
    assert visitor.symbols == EVERYTHING + LEAST


def test_all_is_given_back(bench: Bench, visitor: Visitor) -> None:
    connections = [bench.join((name,), guest=visitor) for name in NAMES[:20]]
    for connection in connections:
        bench.leave(connection)
    assert (visitor.symbols, bench.hub._registry._symbols) == (0, 0)


def test_who_changes_its_mind_is_refused_and_keeps_what_it_has(
    bench: Bench, visitor: Visitor
) -> None:
    changing = bench.join(("S1",), websocket=True, guest=visitor)
    bench.join(tuple(NAMES[:512]), guest=visitor)
    bench.join(tuple(NAMES[1:505]), guest=visitor)
    # In the place of its own list.
    bench.command(changing, op="subscribe", symbols=["S2"])
    assert changing.symbols == ("S1", "S2")
    bench.command(changing, op="subscribe", symbols=NAMES[:100])
    bench.look()
    assert changing.viewer.events[-1]["event"] == "error"
    assert "ADDRESS_SYMBOLS" in changing.viewer.events[-1]["error"]
    assert changing.symbols == ("S1", "S2")
    bench.publish("S1")
    bench.settle()
    bench.look()
    assert changing.viewer.prices == bench.expected(("S1", "S2"))


def test_a_worker_names_so_many_symbols_in_all(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "MAX_NAMED", 3 * LEAST)
    for name in NAMES[:3]:
        bench.join((name,))
    with pytest.raises(Full, match="as many symbols as they may"):
        bench.join(("S9",))


def test_a_command_costs_by_the_symbols_that_it_moves(bench: Bench) -> None:
    client = bench.join(("S1",), websocket=True)
    charged = client.client._websocket  # type: ignore[attr-defined]
    costs = []
    for command in (
        {"op": "ping"},
        {"op": "rate", "rate": 2},
        {"op": "subscribe", "symbols": NAMES[:511]},
        {"op": "rate", "rate": 3},
        {"op": "subscribe"},
        {"op": "unsubscribe"},
    ):
        before = charged.charged
        bench.command(client, **command)
        costs.append(charged.charged - before)
    assert costs == [0, 0, 4, 7, 11, 8]
