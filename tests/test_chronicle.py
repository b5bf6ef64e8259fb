"""What is kept of the minutes: each once, in its place, whoever leads and whatever the archive does."""

from collections.abc import Sequence

import pytest

from relay.candle import Candle, packed
from relay.history.block import HOURS, MINUTES, Span, candles
from relay.ingest import chronicle
from relay.ingest.candles import Candles
from relay.ingest.chronicle import MAX_HOURS_BEHIND, Chronicle
from relay.store.contract import LeaseHeld, Patch, StoreUnavailable
from relay.ticker import Ticker
from tests.clocks import SetClock

#: The first second of a day.
DAY = 1_700_006_400


class Values:
    """An archive that does what the contract says, and fails when it is told to."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        #: For how many seconds each is kept, and among how many of its family at most.
        self.seconds: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.failure: Exception | None = None
        self.calls = 0

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        self._look()
        return [self.values.get(name) for name in names]

    def patch(self, patches: Sequence[Patch]) -> list[str]:
        self._look()
        closed = []
        for patch in patches:
            value = bytearray(self.values.get(patch.name, b"R"))
            if value[:1] != b"R":
                closed.append(patch.name)
                continue
            value.extend(bytes(max(0, patch.offset - len(value))))
            value[patch.offset : patch.offset + len(patch.data)] = patch.data
            self.values[patch.name] = bytes(value)
            self.seconds[patch.name] = patch.seconds
        return closed

    def put(self, name: str, value: bytes, seconds: int, most: int = 0) -> None:
        self._look()
        self.values[name] = value
        self.seconds[name] = seconds
        self.most[name] = most

    def _look(self) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure


class Listener:
    """Candles and their chronicle, with a clock of their own."""

    def __init__(
        self, values: Values, now: int = DAY, *, minutes: int = 86_400, hours: int = 30 * 86_400
    ) -> None:
        self.clock = SetClock(wall_ms=now * 1000)
        self.candles = Candles(self.clock)
        self.candles.simulated = lambda: False
        self.values = values
        self.chronicle = Chronicle(self.candles, values, minutes, hours, self.clock)

    def read(self, price: str, time: float, symbol: str = "BTCUSDT") -> None:
        self.clock.set_wall(max(self.clock.wall_ms(), int(time * 1000)))
        self.candles.take([Ticker(symbol, price, "trade", event_time=int(time * 1000))])

    def at(self, time: int) -> None:
        self.clock.set_wall(time * 1000)
        self.chronicle.work()

    def minutes(self, time: int, symbol: str = "BTCUSDT") -> list[Candle]:
        return candles(MINUTES, time, self.values.values[MINUTES.name(False, symbol, time)])

    def hours(self, time: int, symbol: str = "BTCUSDT") -> list[Candle]:
        return candles(HOURS, time, self.values.values[HOURS.name(False, symbol, time)])


@pytest.fixture
def listener() -> Listener:
    return Listener(Values())


def test_a_minute_is_kept_once_it_is_over(listener: Listener) -> None:
    listener.read("5.50", DAY + 1)
    listener.read("6.25", DAY + 59)
    listener.at(DAY + 61)
    assert not any(name.startswith("minutes") for name in listener.values.values)
    listener.at(DAY + 63)
    assert listener.minutes(DAY) == [Candle(DAY, 2, 550, 625, 550, 625, 2)]


def test_minutes_without_an_update_are_a_gap(listener: Listener) -> None:
    for minute in (0, 3, 59):
        listener.read("5", DAY + 60 * minute)
    listener.at(DAY + 3700)
    assert [candle.time - DAY for candle in listener.minutes(DAY)] == [0, 180, 3540]


def test_an_hour_is_made_of_its_minutes_when_it_is_over(listener: Listener) -> None:
    for minute, price in enumerate(("5.0", "9.0", "2.00", "7.0")):
        listener.read(price, DAY + 600 * minute)
    listener.at(DAY + 3600 + 80)
    assert HOURS.name(False, "BTCUSDT", DAY) not in listener.values.values
    listener.at(DAY + 3600 + 90)
    assert listener.hours(DAY) == [Candle(DAY, 2, 500, 900, 200, 700, 4)]
    assert listener.values.values[MINUTES.name(False, "BTCUSDT", DAY)][:1] == b"Z"
    assert len(listener.minutes(DAY)) == 4


def test_a_candle_that_comes_after_its_hour_was_closed_is_in_both(listener: Listener) -> None:
    listener.read("5", DAY + 1)
    listener.at(DAY + 3700)
    listener.read("9", DAY + 120)
    listener.at(DAY + 3710)
    assert [candle.close for candle in listener.minutes(DAY)] == [5, 9]
    assert listener.hours(DAY) == [Candle(DAY, 0, 5, 9, 5, 9, 2)]


def test_a_day_of_hours_is_deflated_when_it_is_over(listener: Listener) -> None:
    for hour in range(24):
        listener.read("5", DAY + 3600 * hour)
        listener.at(DAY + 3600 * hour + 3700)
    assert listener.values.values[HOURS.name(False, "BTCUSDT", DAY)][:1] == b"Z"
    assert len(listener.hours(DAY)) == 24


def test_hours_that_ended_without_a_listener_are_closed_by_the_next_one() -> None:
    values = Values()
    first = Listener(values)
    first.read("5", DAY + 1)
    first.at(DAY + 100)
    second = Listener(values, DAY + 3 * 3600)
    held = Ticker("BTCUSDT", "5", "trade", event_time=(DAY + 1) * 1000)
    held.minutes = packed(Candle(DAY, 0, 5, 5, 5, 5, 1))
    values.values["closed/real"] = str(DAY // 3600 - 1).encode()
    second.candles.restore([held], lambda _: held)
    second.at(DAY + 3 * 3600)
    assert second.hours(DAY) == [Candle(DAY, 0, 5, 5, 5, 5, 1)]


def test_what_an_archive_refuses_waits_and_is_named(listener: Listener) -> None:
    listener.read("5", DAY + 1)
    listener.values.failure = StoreUnavailable("it is full")
    listener.at(DAY + 63)
    assert "it is full" in listener.chronicle.problem
    listener.values.failure = None
    listener.at(DAY + 70)
    assert listener.chronicle.problem == ""
    assert len(listener.minutes(DAY)) == 1


def test_a_standby_keeps_nothing_and_only_the_latest_minutes_at_hand(listener: Listener) -> None:
    listener.values.failure = LeaseHeld("another one")
    for minute in range(40):
        listener.read("5", DAY + 60 * minute)
    listener.at(DAY + 2400)
    assert listener.values.values == {}
    assert listener.chronicle.problem == ""
    assert min(closed.time for closed, _ in listener.candles.unsaved()) >= DAY + 1380


def test_minutes_do_not_wait_until_the_hours_of_all_symbols_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chronicle, "PAUSE_SECONDS", 0)
    waiting: list[int] = []

    class Slow(Values):
        """Each block takes a minute, in which prices go on coming."""

        def read(self, names: Sequence[str]) -> list[bytes | None]:
            if names[0].startswith("minutes"):
                listener.clock.advance(60)
                listener.read("7", listener.clock.wall_ms() / 1000)
                waiting.append(listener.candles.waiting)
            return super().read(names)

    listener = Listener(Slow())
    for number in range(12):
        listener.read("5", DAY + 3000, f"C{number}USDT")
    listener.at(DAY + 3600 + 90)
    assert len(waiting) == 12
    assert max(waiting) <= 1


def test_a_symbol_that_goes_while_hours_are_closed_has_its_next_one_closed_as_well() -> None:
    class Busy(Values):
        def read(self, names: Sequence[str]) -> list[bytes | None]:
            if (
                names[0].startswith("minutes/real/ETHUSDT")
                and "BTCUSDT" in listener.candles.symbols()
            ):
                listener.read("7", DAY + 3600 + 100)
                listener.candles.remove("BTCUSDT")
                listener.clock.advance(5)
            return super().read(names)

    listener = Listener(Busy())
    listener.read("5", DAY + 3000)
    listener.read("5", DAY + 3000, "ETHUSDT")
    listener.at(DAY + 3600 + 90)
    listener.at(DAY + 7200 + 90)
    assert listener.hours(DAY)[-1].time == DAY + 3600


def test_a_block_that_somebody_else_wrote_is_replaced(listener: Listener) -> None:
    listener.values.values[MINUTES.name(False, "BTCUSDT", DAY)] = b"nonsense"
    listener.read("5", DAY + 1)
    listener.at(DAY + 63)
    assert len(listener.minutes(DAY)) == 1


def test_real_and_simulated_minutes_are_kept_apart(listener: Listener) -> None:
    listener.read("5", DAY + 1)
    listener.candles.clear()
    listener.candles.simulated = lambda: True
    listener.read("9", DAY + 2)
    listener.at(DAY + 63)
    assert [candle.close for candle in listener.minutes(DAY)] == [5]
    name = MINUTES.name(True, "BTCUSDT", DAY)
    assert [candle.close for candle in candles(MINUTES, DAY, listener.values.values[name])] == [9]


def test_a_listener_with_nothing_to_keep_asks_nothing(listener: Listener) -> None:
    listener.at(DAY + 63)
    assert listener.values.calls == 0


def name_of(span: Span, time: int, symbol: str = "BTCUSDT") -> str:
    return span.name(False, symbol, time)


def test_blocks_are_kept_as_long_as_is_set_and_for_their_own_time(listener: Listener) -> None:
    minutes, hours = name_of(MINUTES, DAY), name_of(HOURS, DAY)
    listener.read("5", DAY + 1)
    listener.at(DAY + 63)
    assert listener.values.seconds[minutes] == 86_400 + 3600
    listener.values.seconds.clear()
    listener.at(DAY + 3700)
    assert listener.values.seconds[minutes] == 86_400 + 3600
    assert listener.values.seconds[hours] == 30 * 86_400 + 86_400
    # Nothing of ours is given up since there is too much of it.
    assert set(listener.values.most.values()) == {0}


def test_a_day_that_is_closed_is_kept_as_long_as_before(listener: Listener) -> None:
    listener.read("5", DAY + 23 * 3600)
    listener.at(DAY + 24 * 3600 + 100)
    assert listener.values.values[name_of(HOURS, DAY)][:1] == b"Z"
    assert listener.values.seconds[name_of(HOURS, DAY)] == 30 * 86_400 + 86_400


def test_minutes_that_nobody_wants_are_kept_until_their_hour_is_made() -> None:
    listener = Listener(Values(), minutes=0)
    listener.read("5", DAY + 1)
    listener.at(DAY + 3700)
    assert listener.values.seconds[name_of(MINUTES, DAY)] == 2 * 3600 + 3600
    assert listener.hours(DAY) == [Candle(DAY, 0, 5, 5, 5, 5, 1)]


def test_hours_that_nobody_wants_are_not_made() -> None:
    listener = Listener(Values(), hours=0)
    listener.read("5", DAY + 1)
    listener.at(DAY + 3700)
    assert listener.values.values[name_of(MINUTES, DAY)][:1] == b"Z"
    assert not any(name.startswith("hours") for name in listener.values.values)


def test_up_to_where_hours_are_closed_is_noted(listener: Listener) -> None:
    listener.read("5", DAY + 1)
    listener.at(DAY + 3700)
    assert listener.values.values["closed/real"] == str(DAY // 3600).encode()
    assert listener.values.seconds["closed/real"] == 30 * 86_400
    assert "closed/simulated" not in listener.values.values
    listener.at(DAY + 7300)
    assert listener.values.values["closed/real"] == str(DAY // 3600 + 1).encode()


def test_hours_are_closed_once(listener: Listener) -> None:
    listener.read("5", DAY + 1)
    listener.at(DAY + 3700)
    calls = listener.values.calls
    listener.at(DAY + 3800)
    assert listener.values.calls == calls


@pytest.mark.parametrize("note", [b"nonsense", b"-1", b"9" * 12, b""])
def test_a_note_that_somebody_else_wrote_is_replaced(listener: Listener, note: bytes) -> None:
    listener.values.values["closed/real"] = note
    listener.read("5", DAY + 1)
    listener.at(DAY + 3700)
    assert listener.values.values["closed/real"] == str(DAY // 3600).encode()
    assert len(listener.hours(DAY)) == 1


def test_after_a_long_time_without_a_listener_only_the_last_hours_are_looked_at() -> None:
    values = Values()
    first = Listener(values)
    first.read("5", DAY + 1)
    first.read("6", DAY + 3601)
    first.at(DAY + 3663)
    values.values["closed/real"] = str(DAY // 3600 - 100).encode()
    # The last hour that is over now is the one that ends in 24 hours after the first.
    second = Listener(values, DAY + (MAX_HOURS_BEHIND + 1) * 3600 + 90)
    second.read("7", DAY + (MAX_HOURS_BEHIND + 1) * 3600 + 91)
    second.chronicle.work()
    assert values.values[name_of(MINUTES, DAY)][:1] == b"R"
    assert values.values[name_of(MINUTES, DAY + 3600)][:1] == b"Z"
    assert second.hours(DAY) == [Candle(DAY + 3600, 0, 6, 6, 6, 6, 1)]


def test_several_hours_that_are_over_at_once_are_all_made_for_every_symbol(
    listener: Listener,
) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
    listener.values.values["closed/real"] = str(DAY // 3600 - 1).encode()
    for hour in range(3):
        for symbol in symbols:
            listener.read(str(hour + 1), DAY + 3600 * hour, symbol)
    listener.at(DAY + 3 * 3600 + 100)
    for symbol in symbols:
        assert [candle.close for candle in listener.hours(DAY, symbol)] == [1, 2, 3]
    assert listener.values.values["closed/real"] == str(DAY // 3600 + 2).encode()


def test_a_symbol_that_is_removed_gets_its_last_hour(listener: Listener) -> None:
    listener.read("5", DAY + 1)
    listener.read("7", DAY + 1, "ETHUSDT")
    listener.at(DAY + 63)
    listener.read("8", DAY + 120, "ETHUSDT")
    listener.candles.remove("ETHUSDT")
    listener.at(DAY + 3700)
    assert listener.hours(DAY, "ETHUSDT") == [Candle(DAY, 0, 7, 8, 7, 8, 2)]


def test_a_symbol_whose_minutes_were_all_kept_before_it_is_removed_gets_its_last_hour(
    listener: Listener,
) -> None:
    listener.read("7", DAY + 3601, "ETHUSDT")
    listener.at(DAY + 3663)
    listener.candles.remove("ETHUSDT")
    listener.at(DAY + 7300)
    assert listener.hours(DAY, "ETHUSDT") == [Candle(DAY + 3600, 0, 7, 7, 7, 7, 1)]
