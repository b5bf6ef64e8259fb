"""What is held of each symbol: the newest, whatever the order in which things come."""

import pytest

from relay import pace
from relay.ingest.admission import LEAST, TIMES_LISTED, UNLISTED
from relay.ingest.intake import Intake
from relay.ticker import MAX_HELD, Ticker
from tests.clocks import SetClock


@pytest.fixture
def intake() -> Intake:
    return Intake()


def ticker(symbol: str, price: str, event_time: int | None = 1, **more: object) -> Ticker:
    values = {"stream": "24hrMiniTicker", "received_time": 0, **more}
    return Ticker(symbol, price, event_time=event_time, **values)  # type: ignore[arg-type]


def trade(price: str, event_time: int, sequence: int) -> Ticker:
    return ticker("A", price, event_time, stream="trade", sequence=sequence)


def book(price: str, sequence: int, received_time: int = 0) -> Ticker:
    return ticker(
        "A", price, None, stream="bookTicker", sequence=sequence, received_time=received_time
    )


def waiting(intake: Intake) -> dict[str, str]:
    return {ticker.symbol: ticker.price for ticker in intake.wait(0)}


def test_the_newest_of_each_symbol_waits_and_nothing_queues(intake: Intake) -> None:
    for time in range(1000):
        intake.offer([ticker("A", str(time), time), ticker("B", "1", 7)])
    assert waiting(intake) == {"A": "999", "B": "1"}
    assert intake.counts == (999, 999)
    assert waiting(intake) == {}


def test_older_and_repeated_tickers_are_dropped(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50)])
    waiting(intake)
    intake.offer([ticker("A", "4", 49), ticker("A", "5", 50)])
    assert (waiting(intake), intake.counts.dropped) == ({}, 2)
    intake.offer([ticker("A", "6", 50)])
    assert waiting(intake) == {"A": "6"}


def test_one_symbols_clock_says_nothing_of_anothers(intake: Intake) -> None:
    intake.offer([ticker("A", "1", 9_000_000_000_000), ticker("B", "2", 5)])
    assert waiting(intake) == {"A": "1", "B": "2"}


@pytest.mark.parametrize("later", [0, 1, 500])
def test_a_trade_that_came_over_the_other_connection_is_not_newer(
    intake: Intake, later: int
) -> None:
    intake.offer([trade("5", 100, 7)])
    waiting(intake)
    intake.offer([trade("4", 100 + later, 6), trade("5", 100 + later, 7)])
    assert waiting(intake) == {}
    intake.offer([trade("6", 100, 8)])
    assert waiting(intake) == {"A": "6"}


def test_books_have_no_time_and_go_by_their_ids(intake: Intake) -> None:
    intake.offer([book("5", 7), book("4", 6), book("6", 8)])
    assert waiting(intake) == {"A": "6"}
    intake.offer([book("5", 7), book("6", 8)])
    assert waiting(intake) == {}


def test_ids_of_different_kinds_are_not_compared(intake: Intake) -> None:
    intake.offer([book("5", 9_000_000), trade("6", 100, 7), book("7", 9_000_001)])
    assert waiting(intake) == {"A": "7"}
    intake.offer([trade("5", 100, 6), book("4", 9_000_000)])
    assert waiting(intake) == {}


def test_ids_that_begin_again_long_after_are_followed(intake: Intake) -> None:
    intake.offer([trade("5", 100, 7_000_000), book("5", 9_000_000)])
    waiting(intake)
    intake.offer([trade("6", 90_000, 1)])
    assert waiting(intake) == {"A": "6"}
    intake.offer([book("7", 1, received_time=90_000)])
    assert waiting(intake) == {"A": "7"}


def test_a_ticker_with_the_same_last_trade_is_newer_by_its_time(intake: Intake) -> None:
    day = {"stream": "24hrTicker", "sequence": 7}
    intake.offer([ticker("A", "5", 1, **day), ticker("A", "5", 2, bid="4", **day)])
    (newest,) = intake.wait(0)
    assert (newest.event_time, newest.bid) == (2, "4")


def test_a_trade_does_not_lose_the_days_figures(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 1, open="4", high="6")])
    intake.offer([trade("5.5", 2, 1)])
    (newest,) = intake.wait(0)
    assert (newest.price, newest.open, newest.high) == ("5.5", "4", "6")


def test_rest_fills_what_is_missing_and_overwrites_nothing_streamed(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50)])
    rest = {"stream": "rest", "trades": 9}
    intake.seed([ticker("A", "9", 99, **rest), ticker("B", "2", 10, **rest)])
    assert waiting(intake) == {"A": "5", "B": "2"}


def test_after_a_gap_rest_may_be_newer_until_the_stream_has_spoken(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50), ticker("B", "5", 50), ticker("C", "5", 50)])
    waiting(intake)
    intake.doubt()
    intake.offer([ticker("B", "6", 60)])
    intake.seed([ticker(s, "9", t, stream="rest") for s, t in (("A", 99), ("B", 99), ("C", 49))])
    assert waiting(intake) == {"A": "9", "B": "6"}


def test_what_is_not_traded_is_marked_until_it_is_again(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50), ticker("B", "5", 50)])
    waiting(intake)
    intake.mark("A", "HALT")
    intake.mark("B", "BREAK")
    intake.mark("B", "BREAK")
    assert [(t.symbol, t.price, t.status) for t in intake.wait(0)] == [
        ("A", "5", "HALT"),
        ("B", "5", "BREAK"),
    ]
    intake.offer([ticker("A", "6", 60)])
    intake.seed([ticker("B", "5", 50, stream="rest")])
    assert [(t.symbol, t.price, t.status) for t in intake.wait(0)] == [
        ("A", "6", None),
        ("B", "5", None),
    ]


def test_what_is_gone_is_passed_on_once_and_may_come_back(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50)])
    waiting(intake)
    intake.remove("A")
    assert waiting(intake) == {"A": ""}
    intake.offer([ticker("A", "1", 10)])
    assert waiting(intake) == {"A": "1"}


def test_what_a_store_held_counts_as_having_come_before(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50), ticker("B", "5", 50)])
    intake.restore([ticker("A", "6", 60), ticker("B", "4", 40), ticker("C", "1", 1)])
    assert waiting(intake) == {"B": "5"}
    intake.offer([ticker("A", "5", 50), ticker("C", "2", 2)])
    assert waiting(intake) == {"C": "2"}


def test_what_a_store_held_of_other_symbols_than_the_wanted_ones_goes() -> None:
    intake = Intake(frozenset(("A",)))
    intake.restore([ticker("A", "5", 50), ticker("B", "5", 50)])
    assert waiting(intake) == {"B": ""}


def test_what_a_store_knows_to_be_gone_does_not_come_back_by_itself(intake: Intake) -> None:
    intake.offer([ticker("GONE", "5", 50), trade("5", 50, 5), ticker("C", "1", 1)])
    waiting(intake)
    intake.restore([ticker("GONE", ""), ticker("B", "2", 1), ticker("A", "")])
    assert waiting(intake) == {"C": "1"}
    assert intake.silent_since(float("inf")) == {"B", "C"}
    # It is listed again.
    intake.offer([ticker("GONE", "1", 10)])
    assert waiting(intake) == {"GONE": "1"}


def test_what_is_known_here_to_be_gone_goes_from_the_store_too(intake: Intake) -> None:
    held = [ticker("A", "5", 50), ticker("B", "5", 50), ticker("C", "5", 50)]
    intake.offer(held)
    for symbol in ("A", "B"):
        intake.remove(symbol)
    in_flight = intake.wait(0)
    intake.remove("C")
    intake.offer([ticker("B", "6", 60)])
    intake.remove_again(in_flight)
    intake.restore([*held, ticker("D", "1")])
    assert waiting(intake) == {"A": "", "B": "6", "C": ""}


@pytest.mark.parametrize(("apart", "sent"), [(500, {}), (-600_000, {"A": "5"})])
def test_when_a_ticker_was_read_here_our_own_clock_says(
    intake: Intake, apart: int, sent: dict[str, str]
) -> None:
    now = 1_700_000_000_000
    intake.offer([trade("5", 50, 7), ticker("B", "1", 1)])
    ours = intake.wait(0)
    ours[0].received_time = now
    stored = ticker(
        "A", "5", 50, stream="trade", sequence=7, received_time=now + apart, open="4", status="HALT"
    )
    intake.restore([stored, ours[1]])
    assert waiting(intake) == sent
    intake.resend()
    (again,) = [t for t in intake.wait(0) if t.symbol == "A"]
    assert (again.received_time, again.open, again.status) == (now, "4", "HALT")


def test_a_pace_that_is_a_guess_is_taken_from_rest(intake: Intake) -> None:
    intake.offer([ticker("BUSY", "1"), ticker("RARE", "1")])
    intake.seed([ticker("BUSY", "1", trades=86_400), ticker("RARE", "1", trades=10)])
    assert intake.patience("BUSY") < 15
    assert intake.patience("RARE") == pytest.approx(360, rel=0.05)
    intake.offer([ticker("BUSY", "2", 2)])
    assert [t.pace for t in intake.wait(0) if t.symbol == "BUSY"] == [4]


def test_a_pace_that_was_seen_is_not_taken_from_rest() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    intake.offer([ticker("A", "1", 1)])
    clock.advance(200)
    intake.offer([ticker("A", "2", 2)])
    intake.seed([ticker("A", "2", 2, trades=86_400)])
    assert intake.patience("A") >= 600


def test_a_new_epoch_sends_all_that_is_held_again(intake: Intake) -> None:
    intake.offer([ticker("A", "5", 50)])
    intake.offer([ticker("B", "5", 50)])
    waiting(intake)
    intake.resend()
    assert waiting(intake) == {"A": "5", "B": "5"}


def test_a_quiet_symbol_is_given_the_time_it_usually_takes() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    paces: dict[str, int | None] = {}
    for second in range(7200):
        clock.advance(1)
        intake.offer([ticker("BUSY", str(second), second)])
        if second % 600 == 0:
            intake.offer([ticker("QUIET", str(second), second)])
        paces |= {t.symbol: t.pace for t in intake.wait(0)}
    assert paces["BUSY"] in (1, 2)
    assert 600 <= (paces["QUIET"] or 0) <= 602
    assert intake.patience("BUSY") < 10
    assert intake.patience("QUIET") >= 1800


YEAR = 365 * 86_400_000


def refusals(intake: Intake, clock: SetClock, *tickers: Ticker) -> float:
    """Seconds that each of these, one a second, is refused until one is taken."""
    for seconds, ticker in enumerate(tickers):
        clock.advance(1)
        intake.offer([ticker])
        if waiting(intake):
            return seconds
    return float("inf")


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("kind", ["24hrMiniTicker", "trade"])
def test_one_wrong_time_costs_a_symbol_a_few_seconds(kind: str, restarted: bool) -> None:
    clock = SetClock()
    intake = Intake(clock=clock)

    def tick(second: int, ahead: int = 0) -> Ticker:
        more = {"sequence": second} if kind == "trade" else {"open": "1"}
        return ticker("A", str(second), 1000 * second + ahead, stream=kind, **more)

    wrong = tick(1, ahead=YEAR)
    if restarted:
        intake.restore([wrong])
    else:
        intake.offer([wrong])
    waiting(intake)
    assert 5 <= refusals(intake, clock, *map(tick, range(2, 30))) <= 8
    intake.offer([tick(40)])
    assert waiting(intake) == {"A": "40"}


def test_a_wrong_time_that_a_store_held_does_not_keep_rest_out_for_good() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    intake.restore([ticker("A", "1", YEAR)])
    for second in (0, 300):
        intake.seed([ticker("A", str(second), second * 1000, stream="rest")])
        clock.advance(300)
    assert waiting(intake) == {"A": "300"}


def test_one_wrong_id_costs_a_symbol_a_few_seconds_beside_another_kind() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    intake.offer([book("1", 2**62)])
    taken = []
    for second in range(20):
        clock.advance(1)
        intake.offer([trade("2", second * 1000 + 1, second)])
        intake.offer([book(str(100 + second), second)])
        taken.append(waiting(intake)["A"])
    assert taken[:5] == ["2"] * 5
    assert taken[-10:] == [str(100 + second) for second in range(10, 20)]


def test_what_is_repeated_or_late_never_takes_the_place_of_what_is_newer() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    for second in range(100, 200):
        clock.advance(1)
        intake.offer([ticker("A", str(second), second * 1000, open="1")])
        assert waiting(intake) == {"A": str(second)}
        # An exchange that repeats itself, and a connection that is slower than the other.
        intake.offer([ticker("A", str(second - n), (second - n) * 1000, open="1") for n in (9, 3)])
        assert waiting(intake) == {}
    for _ in range(100):
        clock.advance(1)
        intake.offer([ticker("A", "150", 150_000, open="1"), ticker("A", "199", 199_000, open="1")])
    assert waiting(intake) == {}


def test_a_recording_of_any_year_is_taken_in_as_it_comes() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    for year in (1, 80):
        symbol = f"Y{year}"
        for second in range(100):
            intake.offer([ticker(symbol, str(second), year * YEAR + second * 1000)])
            assert waiting(intake) == {symbol: str(second)}


def test_only_so_many_symbols_are_held_whoever_invents_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    intake = Intake()
    for start in range(0, 60_000, 20_000):
        intake.seed([ticker(f"REST{number}", "1", stream="rest") for number in range(start)])
        intake.offer([ticker(f"S{number}", "1") for number in range(start, start + 20_000)])
    assert len(intake) == MAX_HELD
    assert len(waiting(intake)) == MAX_HELD
    assert caplog.text.count("no room") == 1
    intake.offer([ticker("S5", "2", 2)])
    assert waiting(intake) == {"S5": "2"}


def test_removals_that_nobody_takes_are_bounded() -> None:
    intake = Intake()
    for round_ in range(5):
        symbols = [f"R{round_}S{number}" for number in range(10_000)]
        intake.seed([ticker(symbol, "1", stream="rest") for symbol in symbols])
        for symbol in intake.silent_since(float("inf")):
            intake.remove(symbol)
    assert len(intake.wait(0)) <= 3 * MAX_HELD


def test_what_a_store_holds_beyond_the_limit_is_removed_from_it() -> None:
    intake = Intake()
    intake.restore(ticker(f"S{number}", "1") for number in range(MAX_HELD + 10))
    assert len(intake) == MAX_HELD
    assert len([price for price in waiting(intake).values() if price == ""]) == 10


def test_a_symbol_that_nobody_asked_for_is_not_taken_in() -> None:
    intake = Intake(frozenset(("A",)))
    intake.offer([ticker("A", "1"), ticker("B", "1")])
    assert waiting(intake) == {"A": "1"}


def test_a_time_without_a_connection_is_not_taken_for_a_symbols_pace() -> None:
    clock = SetClock()
    intake = Intake(clock=clock)
    for second in range(700):
        clock.advance(1)
        intake.offer([ticker("A", str(second), second)])
    pace_before = intake.patience("A")
    clock.advance(3600)
    intake.doubt()
    for second in range(5000, 5010):
        clock.advance(1)
        intake.offer([ticker("A", str(second), second)])
    assert intake.patience("A") <= pace_before


@pytest.mark.parametrize(
    ("age", "symbol_pace", "status", "said"),
    [
        (3, 1, None, "live"),
        (12, 1, None, "stale"),
        (12, 60, None, "quiet"),
        (170, 60, None, "quiet"),
        (190, 60, None, "stale"),
        (9_999, None, None, "quiet"),
        (3, 1, "BREAK", "halted"),
    ],
)
def test_a_symbol_is_judged_by_its_own_pace(
    age: float, symbol_pace: int | None, status: str | None, said: str
) -> None:
    assert pace.standing(ticker("A", "1", pace=symbol_pace, status=status), age) == said


def test_a_symbol_that_nobody_could_ask_for_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake()
    intake.offer([ticker("btcusdt", "1"), ticker("BTCUSDT", "1"), ticker("Xusdt", "1")])
    intake.seed([ticker("ethusdt", "1", stream="rest"), ticker("币安人生USDT", "1", stream="rest")])
    assert waiting(intake) == {"BTCUSDT": "1", "币安人生USDT": "1"}
    assert intake.refused == 3
    assert caplog.text.count("not in upper case") == 1
    intake.restore([ticker("solusdt", "1"), ticker("SOLUSDT", "1")])
    assert waiting(intake)["solusdt"] == ""


@pytest.mark.parametrize("traded", [0, 10, 1_400])
def test_streams_bring_no_more_symbols_than_can_be_listed(
    traded: int, caplog: pytest.LogCaptureFixture
) -> None:
    intake = Intake()
    most = UNLISTED
    if traded:
        intake.seed([ticker(f"S{number}", "1", stream="rest") for number in range(traded)])
        most = max(LEAST, TIMES_LISTED * traded)
    intake.offer([ticker(f"X{number}", "1") for number in range(150_000)])
    assert len(intake) == most
    assert intake.refused == 150_000 - (most - traded)
    assert caplog.text.count("beyond what can be listed") == 1
    # REST still has its say.
    intake.seed([ticker("NEWUSDT", "1", stream="rest")])
    assert len(intake) == most + 1


def test_a_symbol_that_is_wanted_is_taken_however_many_there_are() -> None:
    names = [f"S{number}" for number in range(UNLISTED + 10)]
    intake = Intake(frozenset(names))
    intake.offer([ticker(name, "1") for name in names])
    assert len(intake) == len(names)
