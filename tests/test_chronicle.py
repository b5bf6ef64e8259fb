"""What is kept of the minutes: each once, in its place, whoever leads and whatever the archive does."""

from collections.abc import Sequence

import pytest

from relay.candle import Candle, packed
from relay.history.block import HOURS, MINUTES, candles
from relay.ingest.candles import Candles
from relay.ingest.chronicle import Chronicle
from relay.store.contract import LeaseHeld, Patch, StoreUnavailable
from relay.ticker import Ticker
from tests.clocks import SetClock

#: The first second of a day.
DAY = 1_700_006_400


class Values:
    """An archive that does what the contract says, and fails when it is told to."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
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
        return closed

    def put(self, name: str, value: bytes, _seconds: int, _most: int = 0) -> None:
        self._look()
        self.values[name] = value

    def drop(self, names: Sequence[str]) -> None:
        self._look()
        for name in names:
            del self.values[name]

    def _look(self) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure


class Listener:
    """Candles and their chronicle, with a clock of their own."""

    def __init__(self, values: Values, now: int = DAY) -> None:
        self.clock = SetClock(wall_ms=now * 1000)
        self.candles = Candles(self.clock)
        self.candles.simulated = lambda: False
        self.values = values
        self.chronicle = Chronicle(self.candles, values, 86_400, 30 * 86_400, self.clock)

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
