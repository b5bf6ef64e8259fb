"""The running minutes: what is made of updates, what travels, and what waits to be kept."""

import gevent
import pytest

from relay.candle import Candle, packed
from relay.ingest.candles import LINES_PER_TURN, Candles
from relay.ingest.intake import Intake
from relay.ingest.minutes import Closed, Minutes
from relay.ticker import Ticker
from tests.clocks import SetClock

START = 1_700_000_040_000  # the beginning of a minute
MINUTE = START // 1000


def ticker(price: str, after: float, symbol: str = "BTCUSDT") -> Ticker:
    """A trade, so many seconds after START."""
    time = START + int(after * 1000)
    return Ticker(symbol, price, "trade", received_time=time, event_time=time, sequence=time)


def made(candles: Candles, clock: SetClock, *updates: Ticker) -> None:
    for update in updates:
        clock.set_wall(max(clock.wall_ms(), update.event_time or 0))
        candles.take([update])


def kept() -> tuple[Candles, SetClock]:
    clock = SetClock(wall_ms=START)
    candles = Candles(clock)
    candles.simulated = lambda: False
    return candles, clock


def waiting(candles: Candles) -> list[tuple[Closed, Candle]]:
    """What waits to be kept, once the minutes that are over have ended."""
    candles.end_minutes()
    return candles.unsaved()


def shown(candles: Candles, symbol: str = "BTCUSDT") -> Ticker:
    return candles.attach(Ticker(symbol, "1", "trade"))


def test_a_minute_has_the_first_highest_lowest_and_last_price() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5.00", 1), ticker("7.00", 2), ticker("4.00", 3), ticker("6.00", 9))
    assert shown(candles).candles[-1] == Candle(MINUTE, 2, 500, 700, 400, 600, 4)
    assert len(shown(candles).candles) == 1


def test_an_update_of_the_next_minute_makes_the_last_one_the_previous() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5.0", 59.9), ticker("7.0", 60), ticker("8.0", 60.1))
    assert shown(candles).candles[0] == Candle(MINUTE, 1, 50, 50, 50, 50, 1)
    assert shown(candles).candles[-1] == Candle(MINUTE + 60, 1, 70, 80, 70, 80, 2)


def test_a_ticker_keeps_the_candles_it_was_sent_with() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5.0", 1))
    sent = candles.attach(ticker("5.0", 1))
    made(candles, clock, ticker("6.0", 2))
    again = candles.attach(sent)
    assert sent.candles != []
    assert sent.candles[-1].close == 50
    assert again.candles != []
    assert again.candles[-1].close == 60


def test_a_price_with_more_decimals_makes_the_candle_finer() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5.5", 1), ticker("5.25", 2), ticker("6", 3))
    assert shown(candles).candles[-1] == Candle(MINUTE, 2, 550, 600, 525, 600, 3)


def test_a_price_of_too_many_digits_has_no_candle() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("1" * 19, 1))
    assert shown(candles).candles == []


def test_a_time_of_another_day_opens_no_candle() -> None:
    candles, clock = kept()
    candles.take([ticker("5", 90_000)])
    assert shown(candles).candles == []
    made(candles, clock, ticker("5", 1))
    assert shown(candles).candles != []


def test_a_candle_of_a_wrong_time_is_void_once_the_time_is_right() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1))
    candles.take([ticker("9", 7200)])
    candles.take([ticker("6", 2)])
    assert shown(candles).candles[-1] == Candle(MINUTE, 0, 5, 6, 5, 6, 2)
    assert len(shown(candles).candles) == 1


def test_a_minute_waits_to_be_kept_once_it_is_over_also_without_another_update() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1))
    assert waiting(candles) == []
    clock.set_wall(START + 63_000)
    [(closed, candle)] = waiting(candles)
    assert closed == Closed(False, "BTCUSDT", MINUTE)
    candles.saved([(closed, candle)])
    assert waiting(candles) == []


def test_a_late_update_of_a_minute_makes_it_wait_again() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1))
    clock.set_wall(START + 63_000)
    candles.saved(waiting(candles))
    candles.take([ticker("6", 2)])
    [(_, candle)] = waiting(candles)
    assert candle.high == 6


def read(intake: Intake, clock: SetClock, *updates: Ticker) -> list[Candle]:
    """What a symbol's newest ticker carries once these came, a second after each other."""
    for update in updates:
        clock.advance(1)
        intake.offer([update])
    return intake.wait(0)[-1].candles


def test_a_late_trade_of_the_minute_that_has_closed_counts_in_how_far_it_reached() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    clock.set_wall(START + 63_000)
    intake.offer([ticker("5.0", 1), ticker("6", 61)])
    candles.saved(waiting(candles))
    assert read(intake, clock, ticker("9.25", 59), ticker("7", 62)) == [
        Candle(MINUTE, 2, 500, 925, 500, 500, 2),
        Candle(MINUTE + 60, 0, 6, 7, 6, 7, 2),
    ]
    assert [candle for _, candle in waiting(candles)] == [Candle(MINUTE, 2, 500, 925, 500, 500, 2)]


def test_a_late_trade_of_the_running_minute_counts_too_but_does_not_close_it() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    came = ticker("5", 1), ticker("6", 10), ticker("2", 9), ticker("3", 8), ticker("6", 11)
    assert read(intake, clock, *came) == [Candle(MINUTE, 0, 5, 6, 2, 6, 4)]


def test_a_trade_that_comes_twice_counts_once() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    came = ticker("5", 1), ticker("9", 59), ticker("6", 61)
    once = read(intake, clock, *came)
    assert read(intake, clock, *came, ticker("6", 62))[0] == once[0]


def test_a_ticker_of_a_former_moment_counts_nowhere() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    late = Ticker("BTCUSDT", "9", "24hrMiniTicker", event_time=START + 59_000)
    intake.offer([ticker("5", 1), ticker("6", 61), late])
    assert read(intake, clock, ticker("7", 62))[0] == Candle(MINUTE, 0, 5, 5, 5, 5, 1)


@pytest.mark.parametrize("ahead", [5, 300, 80_000])
def test_a_trade_whose_time_is_ahead_costs_the_minute_nothing_but_its_close(ahead: int) -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    clock.set_wall(START + 50_000)
    prices = [10, 11, 90, *range(13, 30)]
    true = [ticker(str(price), 50 + number) for number, price in enumerate(prices)]
    newest = read(intake, clock, true[0], ticker("11", 56 + ahead), *true[1:])
    # It counts for six seconds. The trades meanwhile are old news, but were no less high and low.
    assert [each.time for each in newest] == [MINUTE, MINUTE + 60]
    assert (newest[0].open, newest[0].high, newest[0].low) == (10, 90, 10)
    assert newest[1] == Candle(MINUTE + 60, 0, 20, 29, 20, 29, 10)


def test_a_trade_of_another_day_has_no_candle_and_those_of_today_have_theirs() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    came = ticker("10", 1), ticker("99", 100_000), *(ticker(str(n), n) for n in range(11, 20))
    assert read(intake, clock, *came) == [Candle(MINUTE, 0, 10, 19, 10, 19, 10)]


def test_a_clock_that_goes_back_adds_to_the_minutes_that_were_kept() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1), ticker("9", 2), ticker("7", 61), ticker("3", 62))
    made(candles, clock, ticker("6", 121), ticker("6", 181))
    candles.saved(waiting(candles))
    # It is two minutes behind now, and then right again.
    made(candles, clock, ticker("8", 30), ticker("8", 90), ticker("8", 150), ticker("6", 240))
    found = dict(waiting(candles))
    assert found[Closed(False, "BTCUSDT", MINUTE)] == Candle(MINUTE, 0, 5, 9, 5, 8, 3)
    assert found[Closed(False, "BTCUSDT", MINUTE + 60)] == Candle(MINUTE + 60, 0, 7, 8, 3, 8, 3)
    assert found[Closed(False, "BTCUSDT", MINUTE + 120)] == Candle(MINUTE + 120, 0, 6, 8, 6, 8, 2)


def test_minutes_of_a_clock_that_was_ahead_are_void_when_their_time_comes() -> None:
    candles, clock = kept()
    # It is ten minutes ahead, for three minutes.
    for second in range(0, 181, 60):
        clock.set_wall(START + 1000 * second)
        candles.take([ticker("1", second + 600)])
        candles.saved(waiting(candles))
    made(candles, clock, *(ticker("9", second) for second in range(200, 900, 20)))
    found = dict(waiting(candles))
    for minute in (600, 660, 720):
        assert found[Closed(False, "BTCUSDT", MINUTE + minute)] == Candle(
            MINUTE + minute, 0, 9, 9, 9, 9, 3
        )


def test_a_standby_loses_no_minute_by_a_time_that_is_ahead() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1), ticker("6", 61))
    candles.take([ticker("5", 80_000, "WRONG")])
    candles.remove("WRONG")
    candles.forget(900)
    assert Closed(False, "BTCUSDT", MINUTE) in dict(candles.unsaved())


def test_a_standby_of_a_large_market_loses_no_candle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.ingest.candles.MAX_UNSAVED", 40)
    candles, clock = kept()
    for minute in range(15):
        made(candles, clock, *(ticker("5", 60 * minute, f"S{number}") for number in range(10)))
        candles.forget(900)
    assert candles.lost == 0
    # Those of the last two minutes that are over.
    assert {closed.time - MINUTE for closed, _ in candles.unsaved()} == {60 * 12, 60 * 13}


def test_ending_the_minutes_of_a_large_market_gives_others_turns() -> None:
    candles, clock = kept()
    candles.take([ticker("5", 1, f"S{number}") for number in range(LINES_PER_TURN + 1)])
    clock.set_wall(START + 63_000)
    removal = gevent.spawn(candles.remove, f"S{LINES_PER_TURN}")
    candles.end_minutes()
    assert removal.ready()
    assert candles.waiting == LINES_PER_TURN + 1


def test_a_candle_that_changed_while_it_was_kept_still_waits() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1))
    clock.set_wall(START + 63_000)
    first = waiting(candles)
    candles.take([ticker("6", 2)])
    second = waiting(candles)
    candles.saved(first)
    assert waiting(candles) == second


def test_what_is_of_another_kind_is_kept_apart() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1))
    candles.clear()
    candles.simulated = lambda: True
    made(candles, clock, ticker("9", 2))
    clock.set_wall(START + 63_000)
    assert {closed.simulated: candle.close for closed, candle in waiting(candles)} == {
        False: 5,
        True: 9,
    }


def stored(candle: Candle, previous: Candle | None = None) -> Ticker:
    return Ticker(
        "BTCUSDT", "1", "trade", minutes=b"".join(packed(c) for c in (previous, candle) if c)
    )


def test_a_new_leader_goes_on_from_the_minute_that_was_published() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    clock.set_wall(START + 30_000)
    published = ticker("6", 20)
    published.minutes = packed(Candle(MINUTE, 0, 5, 9, 2, 6, 20))
    intake.restore([published])
    intake.offer([ticker("7", 30)])
    [sent] = intake.wait(0)
    assert sent.candles[-1] == Candle(MINUTE, 0, 5, 9, 2, 7, 21)


def test_a_standby_adds_what_the_leader_did_not_live_to_see() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    # Both read this; the leader had begun earlier, and died after 50 s.
    intake.offer([ticker("6", 40)])
    intake.offer([ticker("12", 59)])
    clock.set_wall(START + 61_000)
    intake.offer([ticker("11", 61)])
    published = ticker("6", 50)
    published.minutes = packed(Candle(MINUTE, 0, 5, 9, 2, 6, 20))
    intake.restore([published])
    [sent] = intake.wait(0)
    assert sent.candles[0] == Candle(MINUTE, 0, 5, 12, 2, 12, 20)
    assert sent.candles[-1] == Candle(MINUTE + 60, 0, 11, 11, 11, 11, 1)
    assert waiting(candles) == [(Closed(False, "BTCUSDT", MINUTE), sent.candles[0])]


def test_a_standby_does_not_keep_minutes_that_the_leader_has_kept() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 30), ticker("6", 70), ticker("7", 130), ticker("8", 190))
    before, running = Candle(MINUTE + 120, 0, 7, 9, 7, 9, 9), Candle(MINUTE + 180, 0, 8, 8, 8, 8, 1)
    candles.restore([stored(running, before)], lambda _: ticker("8", 190))
    assert waiting(candles) == [
        (Closed(False, "BTCUSDT", MINUTE + 120), Candle(MINUTE + 120, 0, 7, 9, 7, 9, 9))
    ]


def test_minutes_wait_while_the_store_is_away_and_only_so_many() -> None:
    candles, clock = kept()
    for minute in range(10):
        made(candles, clock, ticker("5", 60 * minute))
    assert len(waiting(candles)) == 9


def test_every_update_counts_also_one_that_is_conflated() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    intake.offer([ticker("5", 1), ticker("9", 2)])
    intake.offer([ticker("6", 3)])
    [sent] = intake.wait(0)
    assert sent.candles[-1] == Candle(MINUTE, 0, 5, 9, 5, 6, 3)


def test_a_store_that_has_lost_its_state_is_told_the_latest_minutes_again() -> None:
    candles, clock = kept()
    intake = Intake(clock=clock, candles=candles)
    for minute in range(20):
        made(candles, clock, ticker("5", 60 * minute))
        candles.saved(waiting(candles))
    assert waiting(candles) == []
    intake.resend()
    times = [(closed.time - MINUTE) // 60 for closed, _ in waiting(candles)]
    assert times == [13, 14, 15, 16, 17, 18]


def test_the_oldest_minutes_that_wait_come_first_and_a_few_at_a_time() -> None:
    candles, clock = kept()
    made(candles, clock, *(ticker("5", 60 * minute) for minute in range(8)))
    parts = []
    while part := candles.unsaved(3):
        candles.saved(part)
        parts.append([(closed.time - MINUTE) // 60 for closed, _ in part])
    assert parts == [[0, 1, 2], [3, 4, 5], [6]]


def test_only_the_latest_minutes_stay_and_only_so_many_candles() -> None:
    minutes = Minutes()
    for number in range(4 * 20):
        closed = Closed(False, f"C{number % 4}USDT", MINUTE + 60 * (number // 4))
        minutes.put(closed, Candle(closed.time, 0, 5, 5, 5, 5, 1))
    minutes.keep_minutes(6, most=1000)
    assert [(closed.time - MINUTE) // 60 for closed, _ in minutes][::4] == list(range(14, 20))
    minutes.keep_minutes(6, most=10)
    assert len(minutes) == len(list(minutes)) == 8
    minutes.keep_seconds(0, MINUTE + 86_400)
    assert {closed.time for closed, _ in minutes} == {MINUTE + 60 * 19}
    minutes.drop_one()
    assert [closed.symbol for closed, _ in minutes] == ["C0USDT", "C1USDT", "C2USDT"]


def test_a_minute_of_the_past_does_not_push_out_the_latest_ones() -> None:
    candles, clock = kept()
    made(candles, clock, *(ticker("5", 60 * minute) for minute in range(7)))
    made(candles, clock, ticker("5", -30_000, "ETHUSDT"))
    candles.saved(waiting(candles))
    candles.resend()
    assert [(closed.time - MINUTE) // 60 for closed, _ in candles.unsaved()] == list(range(6))


def test_minutes_that_are_not_kept_yet_travel_as_well() -> None:
    candles, clock = kept()
    made(candles, clock, *(ticker("5", 60 * minute) for minute in range(4)))
    assert [candle.time - MINUTE for candle in shown(candles).candles] == [0, 60, 120, 180]
    candles.saved(waiting(candles))
    assert [candle.time - MINUTE for candle in shown(candles).candles] == [120, 180]
    made(candles, clock, ticker("5", 240))
    assert [candle.time - MINUTE for candle in shown(candles).candles] == [180, 240]


def test_a_ticker_carries_only_so_many_minutes() -> None:
    candles, clock = kept()
    made(candles, clock, *(ticker("5", 60 * minute) for minute in range(20)))
    assert [candle.time - MINUTE for candle in shown(candles).candles] == [
        60 * minute for minute in range(14, 20)
    ]


def test_a_running_minute_closes_at_the_price_that_counts_whoever_read_it() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("6", 40))
    # Ours is the candle of less; what the store's writer read last is newer.
    newest = ticker("8", 50)
    candles.restore([stored(Candle(MINUTE, 0, 5, 9, 2, 8, 20))], lambda _: newest)
    assert shown(candles).candles == [Candle(MINUTE, 0, 5, 9, 2, 8, 20)]


def test_a_running_minute_reaches_as_far_as_the_price_that_counts() -> None:
    for price, high, low in (("12", 12, 2), ("1", 9, 1)):
        candles, _ = kept()
        newest = ticker(price, 50)
        candles.restore([stored(Candle(MINUTE, 0, 5, 9, 2, 8, 20))], lambda _, each=newest: each)
        assert shown(candles).candles == [Candle(MINUTE, 0, 5, high, low, int(price), 20)]


def test_a_running_minute_takes_the_unit_of_the_price_that_counts() -> None:
    candles, _ = kept()
    candles.restore([stored(Candle(MINUTE, 0, 5, 9, 2, 8, 20))], lambda _: ticker("8.25", 50))
    assert shown(candles).candles == [Candle(MINUTE, 2, 500, 900, 200, 825, 20)]
    coarse, _ = kept()
    coarse.restore([stored(Candle(MINUTE, 2, 500, 900, 200, 800, 20))], lambda _: ticker("7", 50))
    assert shown(coarse).candles == [Candle(MINUTE, 2, 500, 900, 200, 700, 20)]


def test_a_price_of_another_minute_ends_no_candle() -> None:
    for after in (-1, 60):
        candles, _ = kept()
        newest = ticker("12", after)
        candles.restore([stored(Candle(MINUTE, 0, 5, 9, 2, 8, 20))], lambda _, each=newest: each)
        assert shown(candles).candles == [Candle(MINUTE, 0, 5, 9, 2, 8, 20)]


def test_what_travels_after_a_takeover_is_what_was_taken_over() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("6", 40))
    before = shown(candles).minutes
    published = Candle(MINUTE, 0, 5, 9, 2, 6, 20)
    candles.restore([stored(published)], lambda _: ticker("8", 50))
    assert before == packed(Candle(MINUTE, 0, 6, 6, 6, 6, 1))
    assert shown(candles).minutes == packed(Candle(MINUTE, 0, 5, 9, 2, 8, 20))


def test_a_symbol_that_is_not_held_takes_no_candles_over() -> None:
    candles, _ = kept()
    candles.restore([stored(Candle(MINUTE, 0, 5, 9, 2, 8, 20))], lambda _: None)
    assert shown(candles).candles == []


def test_minutes_of_another_kind_are_no_part_of_what_is_taken_over() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("900", 1))
    candles.clear()
    candles.simulated = lambda: True
    published = Candle(MINUTE, 0, 5, 9, 2, 6, 20), Candle(MINUTE + 60, 0, 6, 7, 6, 7, 3)
    candles.restore([stored(published[1], published[0])], lambda _: ticker("7", 70))
    assert shown(candles).candles == list(published)
    assert waiting(candles) == [
        (Closed(False, "BTCUSDT", MINUTE), Candle(MINUTE, 0, 900, 900, 900, 900, 1)),
        (Closed(True, "BTCUSDT", MINUTE), published[0]),
    ]


def test_a_kept_minute_that_becomes_finer_waits_again_once() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1), ticker("6", 2))
    clock.set_wall(START + 63_000)
    candles.saved(waiting(candles))
    candles.take([ticker("5.25", 3)])
    found = waiting(candles)
    assert found == [(Closed(False, "BTCUSDT", MINUTE), Candle(MINUTE, 2, 500, 600, 500, 525, 3))]
    candles.saved(found)
    assert waiting(candles) == []


def test_a_symbol_that_is_listed_again_goes_on_with_its_minute() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1), ticker("9", 2))
    candles.remove("BTCUSDT")
    made(candles, clock, ticker("3.5", 30))
    assert shown(candles).candles == [Candle(MINUTE, 1, 50, 90, 35, 35, 3)]
    clock.set_wall(START + 63_000)
    [(_, candle)] = waiting(candles)
    assert candle == Candle(MINUTE, 1, 50, 90, 35, 35, 3)


def test_a_symbol_that_is_listed_again_goes_on_with_a_minute_that_is_kept() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1), ticker("9", 2))
    candles.remove("BTCUSDT")
    candles.saved(waiting(candles))
    made(candles, clock, ticker("3", 30))
    clock.set_wall(START + 63_000)
    [(_, candle)] = waiting(candles)
    assert candle == Candle(MINUTE, 0, 5, 9, 3, 3, 3)


def test_a_symbol_that_is_listed_again_later_begins_anew() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1))
    candles.remove("BTCUSDT")
    made(candles, clock, ticker("3", 61), ticker("4", 62, "ETHUSDT"))
    assert shown(candles).candles == [Candle(MINUTE + 60, 0, 3, 3, 3, 3, 1)]
    assert shown(candles, "ETHUSDT").candles == [Candle(MINUTE + 60, 0, 4, 4, 4, 4, 1)]


def test_prices_that_come_back_to_their_kind_go_on_with_their_minute() -> None:
    candles, clock = kept()
    made(candles, clock, ticker("5", 1), ticker("9", 2))
    candles.clear()
    candles.simulated = lambda: True
    made(candles, clock, ticker("700", 10))
    candles.clear()
    candles.simulated = lambda: False
    made(candles, clock, ticker("3", 30))
    assert shown(candles).candles == [Candle(MINUTE, 0, 5, 9, 3, 3, 3)]
    clock.set_wall(START + 63_000)
    assert dict(waiting(candles)) == {
        Closed(False, "BTCUSDT", MINUTE): Candle(MINUTE, 0, 5, 9, 3, 3, 3),
        Closed(True, "BTCUSDT", MINUTE): Candle(MINUTE, 0, 700, 700, 700, 700, 1),
    }
