"""The fan-out's promises under unlucky timing: each order of events is given step by step."""

import pytest

from relay.batch import STALE_SECONDS
from relay.candle import Candle, packed
from relay.fanout.client import MAX_UNFINISHED
from relay.fanout.encoding import ENTRIES_PER_PIECE, MAX_PIECE_BYTES
from relay.fanout.recent import MAX_DELIVERIES
from relay.fanout.terms import Symbols, Terms
from relay.ticker import MAX_CANDLES, Ticker
from relay.web.sse_form import EventStream
from relay.web.ws_form import Messages
from tests.fanout import Bench, Connection

ALL = None
ONE = ("A",)
EVENTS = ("status", "heartbeat", "bye", "data")
TRANSPORTS = pytest.mark.parametrize("websocket", [False, True], ids=["sse", "websocket"])
SYMBOLS = pytest.mark.parametrize("symbols", [ALL, ONE], ids=["all", "named"])


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.publish("A", "B")
    return bench


@pytest.fixture
def last(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """The last of two clients in a pass that lets others run between the two."""
    monkeypatch.setattr("relay.fanout.ranks.SENDS_PER_LOOK", 1)
    bench.join(websocket=True)
    last = bench.join(websocket=True)
    bench.turn()
    return last


def prices_of(connection: Connection, bench: Bench) -> dict[str, str]:
    bench.look()
    return connection.viewer.prices


@TRANSPORTS
@SYMBOLS
def test_who_joins_between_an_update_and_its_pass_never_sees_a_price_go_back(
    bench: Bench, websocket: bool, symbols: Symbols
) -> None:
    first = bench.join(symbols, websocket=websocket)
    bench.turn()
    bench.publish("A")
    bench.publish("A")
    joiner = bench.join(symbols, websocket=websocket)
    bench.publish("A")
    bench.turn()
    bench.look()
    assert joiner.viewer.went_back == first.viewer.went_back == []
    assert joiner.viewer.prices == first.viewer.prices == bench.expected(symbols)


@pytest.mark.parametrize(
    ("websocket", "event"),
    [
        *((websocket, event) for websocket in (False, True) for event in EVENTS),
        (True, "pong"),
    ],
)
@SYMBOLS
def test_a_client_may_resume_from_the_id_of_any_event_at_any_rate(
    bench: Bench, websocket: bool, symbols: Symbols, event: str
) -> None:
    client = bench.join(symbols, rate=0.1, websocket=websocket)
    bench.turn()
    bench.publish("A")
    bench.turn()
    bench.publish("A")  # not due for ten seconds
    if event == "status":
        bench.hub._said = ("", False, "")
        bench.hub.tell_if_changed()
    elif event == "heartbeat":
        bench.hub.heartbeat()
    elif event == "pong":
        bench.command(client, op="ping")
    elif event == "bye":
        bench.goodbye(client)
    bench.turn()
    bench.look()
    resume_id, held, _ = client.viewer.ids[-1]
    bench.leave(client)
    again = bench.join(symbols, websocket=websocket, since=resume_id, held=held)
    bench.turn()
    assert prices_of(again, bench) == bench.expected(symbols)


@TRANSPORTS
def test_a_new_epoch_is_followed_by_prices_at_once_whatever_the_rate(
    bench: Bench, websocket: bool
) -> None:
    rare = bench.join(rate=0.01, websocket=websocket)
    bench.turn()
    bench.publish("A")
    bench.turn()
    bench.start_anew()
    bench.turn()
    assert prices_of(rare, bench) == bench.expected(ALL)


@TRANSPORTS
@SYMBOLS
def test_who_joins_between_a_new_epoch_and_its_pass_keeps_the_snapshot(
    bench: Bench, websocket: bool, symbols: Symbols
) -> None:
    old = bench.join(symbols, websocket=websocket)
    bench.turn()
    bench.start_anew()
    joiner = bench.join(symbols, websocket=websocket)
    assert prices_of(joiner, bench) == bench.expected(symbols)
    bench.turn()
    assert prices_of(joiner, bench) == bench.expected(symbols)
    assert prices_of(old, bench) == bench.expected(symbols)
    assert [e["mode"] for e in joiner.viewer.events if e["event"] == "status"] == ["full"]


@TRANSPORTS
def test_a_slow_client_falls_behind_and_gets_only_the_newest(bench: Bench, websocket: bool) -> None:
    slow = bench.join(websocket=websocket)
    bench.turn()
    slow.sock.let(30)
    for _ in range(50):
        bench.publish("A")
        bench.turn()
    slow.sock.let(1 << 30)
    bench.run_others()
    bench.turn()
    assert prices_of(slow, bench) == bench.expected(ALL)
    assert slow.viewer.went_back == []
    assert slow.sock.taken.count(b'"symbol":"A"') < 6


@TRANSPORTS
@pytest.mark.parametrize("batch", [False, True])
def test_a_write_may_be_cut_at_every_byte(
    websocket: bool, batch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENTRIES_PER_PIECE, "price", 4)
    bench = Bench()
    bench.publish(*(f"S{i}" for i in range(14)))
    whole = len(bench.join(websocket=websocket, batch=batch).sock.taken)
    assert whole > 500
    for room in range(whole):
        client = bench.join(websocket=websocket, batch=batch, room=room)
        bench.publish("S7")
        bench.turn()
        client.sock.let(1 << 30)
        bench.run_others()
        bench.turn()
        assert prices_of(client, bench) == bench.expected(ALL)
        assert client.viewer.went_back == []
        bench.leave(client)


def test_only_clients_that_were_asked_are_judged_by_their_answer() -> None:
    bench = Bench(heartbeat_seconds=2.0)
    bench.publish("A")
    slow = bench.join(websocket=True)
    quick = bench.join(websocket=True)
    bench.turn()
    slow.sock.let(0)
    bench.publish("A")
    bench.turn()
    for _ in range(10):
        bench.hub.heartbeat()
        bench.turn(2.0)
    assert quick.client.leaving, "asked, and silent"
    assert not slow.client.leaving, "never asked"


def test_an_answer_keeps_a_client_that_is_asked_again_and_again() -> None:
    bench = Bench(heartbeat_seconds=2.0)
    bench.publish("A")
    client = bench.join(websocket=True)
    for _ in range(20):
        bench.hub.heartbeat()
        bench.turn(1.0)
        client.client.heard = bench.clock.monotonic()
        bench.clock.advance(1.0)
    assert not client.client.leaving


def test_a_command_behind_a_goodbye_changes_nothing(bench: Bench) -> None:
    client = bench.join(ONE, websocket=True)
    bench.turn()
    bench.goodbye(client)
    bench.hub.crowd.move(
        client.client,
        Terms(client.client.cohort.form, ("B",)),
        version=0,
        lacking=[],
        first=b"",
    )
    bench.leave(client)
    assert len(bench.hub.crowd) == 0
    assert len(bench.hub._registry) == 0
    assert client.sock.closed


def test_a_narrowed_client_leaves_the_shared_compressor(bench: Bench) -> None:
    client = bench.join(websocket=True)
    client.client.deflates = True  # type: ignore[attr-defined]
    bench.command(client, op="rate", rate=5)
    assert client.client.cohort.compresses
    bench.command(client, op="subscribe", symbols=["A"])
    assert not client.client.cohort.compresses
    bench.command(client, op="subscribe")
    assert client.client.cohort.compresses


def test_a_client_that_breaks_off_while_new_symbols_are_on_their_way_lacks_none_of_them() -> None:
    bench = Bench()
    names = [f"S{i:03}" for i in range(400)]
    bench.publish(*names)
    client = bench.join(tuple(names[:2]), websocket=True)
    bench.turn()
    client.sock.let(9000)
    bench.command(client, op="subscribe", symbols=names)
    bench.run_others()
    bench.look()
    assert 144 < len(client.viewer.prices) < 400, "a whole piece, and not all"
    for resume_id, held, symbols in client.viewer.ids:
        again = bench.join(symbols, websocket=True, since=resume_id, held=held)
        assert prices_of(again, bench) == bench.expected(again.symbols)
    client.sock.let(1 << 30)
    bench.run_others()
    bench.turn()
    assert prices_of(client, bench) == bench.expected(tuple(names))
    again = bench.join(
        tuple(names), websocket=True, since=client.viewer.resume_id, held=client.viewer.prices
    )
    bench.look()
    assert [e["mode"] for e in again.viewer.events] == ["none"]


@pytest.mark.parametrize("websocket", [False, True])
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("fields", ["price", "ticker", "candle"])
def test_no_piece_is_longer_than_clients_with_small_limits_read(
    websocket: bool, batch: bool, fields: str
) -> None:
    figure = "-" + "9" * 24 + "." + "9" * 24
    ticker = Ticker(
        "𝔸" * 32,
        figure[1:],
        "24hrMiniTicker",
        2**53,
        2**53,
        *[figure] * 9,
        trades=2**63 - 1,
        sequence=2**63 - 1,
        status="AUCTION_MATCH_PERIOD",
        pace=99999,
        quote="𝔸" * 16,
        listed=2**53,
        minutes=MAX_CANDLES * packed(Candle(2**32 - 1, 18, *[10**18 - 1] * 4, 2**32 - 1)),
    )
    entries = [(i, ticker) for i in range(ENTRIES_PER_PIECE[fields])]
    form = Messages(fields, batch) if websocket else EventStream(fields, batch, chunked=True)
    assert len(form.encode(entries, "f" * 32 + "-" + "9" * 18)) <= MAX_PIECE_BYTES


@TRANSPORTS
def test_a_slow_client_keeps_no_more_than_a_piece_whatever_it_asks_for(websocket: bool) -> None:
    bench = Bench()
    bench.publish(*(f"S{i}USDT" for i in range(3000)))
    for batch in (False, True):
        client = bench.join(websocket=websocket, batch=batch, room=100)
        for _ in range(20):
            bench.publish("S1USDT")
            bench.turn()
        assert len(client.client.unfinished) <= MAX_PIECE_BYTES


def test_what_was_made_for_one_who_caught_up_is_not_kept_for_ever(bench: Bench) -> None:
    for i in range(100):
        bench.publish(f"S{i}")
        bench.join((f"S{i}",))
    kept = bench.hub._registry.__iter__().__next__()._recent._deliveries
    assert len(kept) <= MAX_DELIVERIES
    bench.publish("A")
    bench.join(ONE)
    assert len(kept) == 1


def test_after_a_machine_has_slept_nothing_is_live_until_data_comes(bench: Bench) -> None:
    client = bench.join()
    bench.turn()
    assert bench.hub.verdict().state == "live"
    bench.clock.advance(60)
    assert bench.hub.verdict().state == "down"
    bench.hub.tell_if_changed()
    bench.turn()
    bench.look()
    assert client.viewer.events[-1]["state"] == "down"


@TRANSPORTS
@SYMBOLS
@pytest.mark.parametrize("slow", ["no", "behind", "choked"])
def test_who_missed_removals_that_are_forgotten_is_told_to_forget_everything(
    bench: Bench,
    websocket: bool,
    symbols: Symbols,
    slow: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.board.MAX_REMOVED", 3)
    bench.publish("C")
    client = bench.join(symbols, rate=0.01, websocket=websocket)
    bench.turn()
    bench.publish("C")
    bench.turn()
    if slow == "behind":
        client.sock.let(0)
        bench.publish("A")
        bench.turn(200.0)
    bench.remove("A")
    for i in range(20):
        bench.publish(f"S{i}")
        bench.remove(f"S{i}")
    if slow == "choked":
        client.sock.let(0)
        bench.turn(200.0)
    bench.settle()
    bench.publish("B")
    bench.settle()
    assert prices_of(client, bench) == bench.expected(symbols)


def test_an_id_that_is_given_in_the_middle_of_a_pass_names_what_its_receiver_has(
    bench: Bench, last: Connection
) -> None:
    bench.publish("A")
    given = []

    def ask() -> None:
        if not given:
            bench.command(last, op="ping")
            bench.look()
            given.append(last.viewer.ids[-1])

    bench.meanwhile = ask
    bench.turn()
    [(resume_id, held, symbols)] = given
    again = bench.join(symbols, since=resume_id, held=held)
    assert prices_of(again, bench) == bench.expected(symbols)


def test_a_client_that_catches_up_during_a_pass_is_not_given_it_twice(
    bench: Bench, last: Connection
) -> None:
    bench.publish("A")
    bench.publish("A")
    cut = []

    def fall_behind() -> None:
        if not cut:
            cut.append(True)
            last.sock.let(5)
            bench.command(last, op="ping")
            last.sock.let(1 << 40)
            bench.run_others()

    bench.meanwhile = fall_behind
    bench.turn()
    assert prices_of(last, bench) == bench.expected(ALL)
    assert last.viewer.went_back == []


def test_a_client_that_asks_and_does_not_read_is_cut(bench: Bench) -> None:
    client = bench.join(ONE, websocket=True)
    bench.turn()
    client.sock.let(0)
    for _ in range(MAX_UNFINISHED // 100):
        bench.command(client, op="ping")
    assert client.sock.gone
    assert client.client.unfinished == b""


def test_symbols_that_are_added_count_together_with_those_before(bench: Bench) -> None:
    client = bench.join(tuple(f"S{i}" for i in range(500)), websocket=True)
    bench.command(client, op="subscribe", symbols=[f"T{i}" for i in range(13)])
    bench.look()
    assert client.viewer.events[-1]["event"] == "error"
    assert client.symbols is not None
    assert len(client.symbols) == 500


def test_every_cohort_has_its_heartbeat_though_turns_are_long_and_cohorts_many() -> None:
    bench = Bench()
    bench.publish("A")
    clients = [bench.join((f"S{i}",)) for i in range(400)]
    for second in range(60):
        if second % 12 == 0:
            bench.hub.heartbeat()
        bench.turn(1.0)
    bench.look()
    heard = [sum(e["event"] == "heartbeat" for e in c.viewer.events) for c in clients]
    assert set(heard) == {5}


def test_a_status_says_that_prices_follow_while_new_symbols_are_on_their_way() -> None:
    bench = Bench()
    bench.publish("A", "B")
    client = bench.join(("A",), websocket=True)
    bench.turn()
    client.sock.let(0)
    bench.command(client, op="subscribe", symbols=["B"])
    bench.hub._said = ("", False, "")
    bench.hub.tell_if_changed()
    bench.turn()
    client.sock.let(1 << 30)
    bench.run_others()
    bench.look()
    modes = [e["mode"] for e in client.viewer.events if e["event"] == "status"]
    assert modes[-2:] == ["changes", "changes"]


@TRANSPORTS
def test_a_rate_gives_the_first_at_once_then_the_newest_at_each_tick(
    bench: Bench, websocket: bool
) -> None:
    client = bench.join(ONE, rate=2.0, websocket=websocket)
    late = bench.join(ONE, rate=2.0, websocket=not websocket)
    seen: list[tuple[float, str]] = []
    held = ""
    for step in range(40):
        bench.publish("A")
        bench.turn(0.05)
        if prices_of(client, bench)["A"] != held:
            held = client.viewer.prices["A"]
            assert held == bench.expected(ONE)["A"], "the newest"
            seen.append((step * 0.05, held))
    assert len(seen) == 4
    assert late.viewer.prices == client.viewer.prices


@TRANSPORTS
def test_a_new_epoch_in_the_middle_of_a_status_is_told_to_those_who_had_taken_it(
    bench: Bench, websocket: bool
) -> None:
    client = bench.join(websocket=websocket)
    bench.turn()
    bench.remove("B")

    def start_anew() -> None:
        bench.meanwhile = lambda: None
        bench.start_anew()
        client.sock.let(0)

    bench.turn()
    bench.hub._said = ("", False, "")
    bench.hub.tell_if_changed()
    bench.meanwhile = start_anew
    bench.turn()
    bench.turn()
    client.sock.let(1 << 30)
    bench.run_others()
    bench.turn()
    bench.look()
    assert [e["mode"] for e in client.viewer.events if e["event"] == "status"][-1] == "full"
    assert client.viewer.prices == bench.expected(ALL)


def test_a_worker_that_begins_says_nothing_of_prices_until_it_has_heard_or_waited(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "relay.fanout.hub")
    bench = Bench()
    bench.hub.tell_if_changed()
    assert caplog.messages == []
    bench.clock.advance(STALE_SECONDS + 0.1)
    bench.hub.tell_if_changed()
    assert caplog.messages == ["prices are down: listener: nothing heard of it yet"]
