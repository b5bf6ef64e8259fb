"""Recorded trades as the truth: the minutes that are kept equal those that the trades make by themselves.

The trades are read and added up here, by the time at which each was made, without any code of the relay.
"""

import gzip
import heapq
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from relay.candle import Candle, decimal
from relay.exchange.messages import normalise
from relay.history.block import MINUTES, candles
from relay.ingest.candles import Candles
from relay.ingest.chronicle import Chronicle
from relay.ingest.intake import Intake
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.conftest import RECORDINGS
from tests.test_chronicle import Values

SYMBOLS = ("BTCUSDT", "ETHUSDT")
#: Trades between two writes: as many as come in a busy second.
TRADES_PER_WRITE = 40


class Trade(NamedTuple):
    received: int
    symbol: str
    time: int
    price: str
    frame: bytes


class Minute(NamedTuple):
    open: str
    high: str
    low: str
    close: str
    trades: int


@pytest.fixture(scope="module")
def trades() -> list[Trade]:
    folder = RECORDINGS / "ticks-raw"
    if not folder.is_dir():
        pytest.skip(f"the recordings are not at {RECORDINGS}")

    def read(name: str) -> Iterator[Trade]:
        with gzip.open(folder / f"spot_{name}_20240808.gz") as file:
            for line in file:
                time, _, frame = line.partition(b" ")
                data = json.loads(frame).get("data", {})
                if data.get("e") == "trade":
                    yield Trade(int(time), data["s"], data["T"], data["p"], frame)

    return list(heapq.merge(read("btcusdt"), read("ethusdt")))


def by_hand(trades: list[Trade]) -> dict[tuple[str, int], Minute]:
    """What the trades of each symbol and minute come to."""
    minutes: dict[tuple[str, int], list[str]] = {}
    for trade in trades:
        minutes.setdefault((trade.symbol, trade.time // 60_000 * 60), []).append(trade.price)
    return {
        key: Minute(
            prices[0], max(prices, key=Decimal), min(prices, key=Decimal), prices[-1], len(prices)
        )
        for key, prices in minutes.items()
    }


class Listener:
    """A listener's way from a frame to what is kept, without sockets."""

    def __init__(self, values: Values, clock: SetClock) -> None:
        self.clock = clock
        self.candles = Candles(clock)
        self.candles.simulated = lambda: False
        self.intake = Intake(frozenset(SYMBOLS), clock, self.candles)
        self.chronicle = Chronicle(self.candles, values, 86_400, 0, clock)

    def read(self, trade: Trade) -> None:
        self.intake.offer(normalise(trade.frame, trade.received // 1_000_000).tickers)

    def write(self, state: dict[str, Ticker]) -> None:
        """Publishes what waits, and keeps the minutes that are over."""
        state.update({ticker.symbol: ticker for ticker in self.intake.wait(0)})
        self.chronicle.work()


def kept(values: Values, trades: list[Trade]) -> dict[tuple[str, int], Minute]:
    found = {}
    for symbol, minute in by_hand(trades):
        data = values.values.get(MINUTES.name(False, symbol, minute))
        for candle in [] if data is None else candles(MINUTES, minute, data):
            found[symbol, candle.time] = shown(candle)
    return found


def shown(candle: Candle) -> Minute:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return Minute(*(decimal(price, candle.decimals) for price in prices), candle.updates)


def run(trades: list[Trade], kill_at: int, *, standby_from: int | None) -> Values:
    """Reads all trades. The leader is killed after `kill_at` of them; `standby_from` is where a standby
    begins to read, or None where another listener is started with the first trade after the kill."""
    values, clock, state = Values(), SetClock(), dict[str, Ticker]()
    leader, standby = Listener(values, clock), Listener(values, clock)
    for number, trade in enumerate(trades):
        clock.set_wall(trade.time)
        if number == kill_at:
            leader = standby
            leader.intake.restore(state.values())
        if number < kill_at:
            leader.read(trade)
        if number >= (kill_at if standby_from is None else standby_from):
            standby.read(trade)
        if number % TRADES_PER_WRITE == 0:
            leader.write(state)
    clock.advance(120)
    leader.write(state)
    return values


def test_every_minute_equals_that_of_the_trades(trades: list[Trade]) -> None:
    values = run(trades, len(trades) + 1, standby_from=len(trades) + 1)
    assert kept(values, trades) == by_hand(trades)
    assert len(by_hand(trades)) == 14


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.77, 0.9])
def test_a_standby_that_takes_over_loses_no_trade(trades: list[Trade], share: float) -> None:
    kill_at = int(len(trades) * share)
    values = run(trades, kill_at, standby_from=kill_at // 2)
    known, expected = kept(values, trades), by_hand(trades)
    # How many updates a minute has is the larger of two counts: the standby missed its beginning, or the
    # leader its end.
    assert {key: minute[:4] for key, minute in known.items()} == {
        key: minute[:4] for key, minute in expected.items()
    }


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.77, 0.9])
def test_without_a_standby_only_trades_that_were_not_written_are_lost(
    trades: list[Trade], share: float
) -> None:
    kill_at = int(len(trades) * share)
    values = run(trades, kill_at, standby_from=None)
    written = (kill_at - 1) // TRADES_PER_WRITE * TRADES_PER_WRITE + 1
    assert kept(values, trades) == by_hand(trades[:written] + trades[kill_at:])
