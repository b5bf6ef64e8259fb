"""Synthetic: a made-up market in real time. Its prices are nobody's."""

import asyncio
import math
import random
import time
from collections.abc import Collection, Iterable

from relay.simulator import payloads
from relay.simulator.candles import INTERVALS, candles, closing, opening
from relay.simulator.instrument import Instrument
from relay.simulator.listing import DELISTED, listing
from relay.simulator.market import Candle, Carrier, Day

#: A second is cut into slices; what trades in a slice trades at its time.
_SLICES = 20
_SLICE = 1 / _SLICES

_ARRAYS = {
    "!miniTicker@arr": payloads.mini_ticker,
    "!ticker_1h@arr": lambda i: payloads.rolling_ticker(i, "1h"),
    "!ticker_4h@arr": lambda i: payloads.rolling_ticker(i, "4h"),
    "!ticker_1d@arr": lambda i: payloads.rolling_ticker(i, "1d"),
}

#: The share that trades of its own accord if all are made to: as on a violent day.
_LIVELY = 0.45

#: Trades in a second, of the symbol traded most.
_MOST_TRADES = 25.0


class Synthetic:
    """`symbols` symbols, of which the share `activity` trades in a second; 1 means all of them.

    All-market frames come once a second, with the symbols that traded since the last one, in the
    order of the listing. The same seed gives the same symbols and the same history.
    """

    def __init__(self, symbols: int, activity: float, seed: int) -> None:
        now = time.time()
        self._chance = random.Random(seed)
        self._instruments = [
            Instrument(listed, rank, now) for rank, listed in enumerate(listing(symbols, seed))
        ]
        self._by_symbol = {i.symbol: i for i in self._instruments}
        self._by_lower = {i.lower: i for i in self._instruments}
        self._everybody = activity >= 1
        self._rates = _rates(symbols, _LIVELY if self._everybody else activity)
        self._traded: set[Instrument] = set(self._draw_all())
        self._suspended: frozenset[str] = frozenset()
        self._newest: dict[str, bytes] = {}
        self._opened: dict[str, int] = {}
        self._depths: dict[str, int] = {}

    async def run(self, exchange: Carrier) -> None:
        due = time.monotonic()
        while True:
            traded: set[Instrument] = set()
            for number, planned in enumerate(self._plan()):
                due = max(due + _SLICE, time.monotonic() - 1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                trading = [i for i in planned if i.symbol not in self._suspended]
                for instrument in trading:
                    self._trade(exchange, instrument)
                traded.update(trading)
                if number % 2:
                    self._publish_depth(exchange)
            self._traded = traded
            self._newest.clear()
            self._publish_second(exchange)

    def newest(self, stream: str) -> bytes | None:
        """Return the last frame again, so that a new client need not wait for the next second."""
        if stream in _ARRAYS:
            return self._array(stream)
        instrument, kind = self._parse(stream)
        return None if instrument is None else _current(instrument, kind)

    def notice(self, payload: bytes) -> int:
        """Take no notice: what tests publish is not of this market."""
        del payload
        return 0

    def suspend(self, symbols: Collection[str]) -> None:
        self._suspended = frozenset(symbols)

    def days(self) -> Iterable[Day]:
        return [i.day() for i in self._instruments] + [_dead(symbol) for symbol in DELISTED]

    def day(self, symbol: str) -> Day | None:
        if symbol in DELISTED:
            return _dead(symbol)
        instrument = self._by_symbol.get(symbol)
        return None if instrument is None else instrument.day()

    def candles(
        self, symbol: str, interval: str, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        instrument = self._by_symbol.get(symbol)
        return [] if instrument is None else candles(instrument, interval, start, end, limit)

    def _plan(self) -> list[list[Instrument]]:
        """Decide who trades in each slice of the coming second."""
        slices: list[list[Instrument]] = [[] for _ in range(_SLICES)]
        for instrument in self._draw_all():
            slices[int(self._chance.random() * _SLICES)].append(instrument)
        return slices

    def _draw_all(self) -> list[Instrument]:
        drawn: list[Instrument] = []
        for instrument, rate in zip(self._instruments, self._rates, strict=True):
            trades = _poisson(self._chance, rate)
            drawn += [instrument] * max(trades, int(self._everybody))
        return drawn

    def _trade(self, exchange: Carrier, instrument: Instrument) -> None:
        done = instrument.trade(time.time())
        lower = instrument.lower
        if exchange.is_wanted(f"{lower}@trade"):
            exchange.publish(f"{lower}@trade", payloads.trade(instrument, done).encode())
        if exchange.is_wanted(f"{lower}@aggTrade"):
            text = payloads.aggregate_trade(instrument, done)
            exchange.publish(f"{lower}@aggTrade", text.encode())
        if exchange.is_wanted(f"{lower}@bookTicker"):
            exchange.publish(f"{lower}@bookTicker", payloads.book_ticker(instrument).encode())

    def _publish_depth(self, exchange: Carrier) -> None:
        for stream in exchange.wanted():
            if stream.endswith("@100ms"):
                self._publish_book(exchange, stream)

    def _publish_second(self, exchange: Carrier) -> None:
        for stream in exchange.wanted():
            if stream in _ARRAYS:
                exchange.publish(stream, self._array(stream))
                continue
            instrument, kind = self._parse(stream)
            if instrument is None:
                continue
            if kind.startswith("depth") and not kind.endswith("@100ms"):
                self._publish_book(exchange, stream)
            elif kind.startswith("kline_"):
                # A time zone offset, as in `kline_1d@+08:00`, does not move the boundaries here.
                interval = kind.removeprefix("kline_").partition("@")[0]
                self._publish_kline(exchange, stream, instrument, interval)
            elif instrument in self._traded or kind == "avgPrice":
                payload = _current(instrument, kind)
                if payload is not None and kind != "bookTicker":
                    exchange.publish(stream, payload)

    def _publish_book(self, exchange: Carrier, stream: str) -> None:
        instrument, kind = self._parse(stream)
        levels = kind.removesuffix("@100ms").removeprefix("depth")
        if instrument is None:
            return
        if levels in ("5", "10", "20"):
            exchange.publish(stream, payloads.partial_depth(instrument, int(levels)).encode())
        elif not levels:
            since = self._depths.get(stream, instrument.update_id - 1)
            if since < instrument.update_id:
                text = payloads.depth(instrument, time.time(), since)
                self._depths[stream] = instrument.update_id
                exchange.publish(stream, text.encode())

    def _publish_kline(
        self, exchange: Carrier, stream: str, instrument: Instrument, interval: str
    ) -> None:
        if interval not in INTERVALS:
            return
        now = time.time()
        opened = opening(now, interval)
        before = self._opened.get(stream, opened)
        self._opened[stream] = opened
        if closing(before, interval) == opened:
            text = payloads.kline(instrument, interval, before, float(opened), closed=True)
            exchange.publish(stream, text.encode())
        if interval == "1s" or int(now) % 2 == 0:
            text = payloads.kline(instrument, interval, opened, now, closed=False)
            exchange.publish(stream, text.encode())

    def _array(self, stream: str) -> bytes:
        if stream not in self._newest:
            traded = sorted(self._traded, key=lambda i: i.rank)
            self._newest[stream] = f"[{','.join(map(_ARRAYS[stream], traded))}]".encode()
        return self._newest[stream]

    def _parse(self, stream: str) -> tuple[Instrument | None, str]:
        lower, _, kind = stream.partition("@")
        return self._by_lower.get(lower), kind


def _current(instrument: Instrument, kind: str) -> bytes | None:
    """Return what a once-a-second stream says now; None for others, and for those unknown."""
    match kind:
        case "miniTicker":
            text = payloads.mini_ticker(instrument)
        case "ticker":
            text = payloads.ticker(instrument)
        case "ticker_1h" | "ticker_4h" | "ticker_1d":
            text = payloads.rolling_ticker(instrument, kind.removeprefix("ticker_"))
        case "avgPrice":
            text = payloads.average_price(instrument, time.time())
        case "bookTicker":
            text = payloads.book_ticker(instrument)
        case _:
            return None
    return text.encode()


def _rates(symbols: int, activity: float) -> list[float]:
    """Return trades per second by rank, so that the wanted share of symbols has at least one.

    How often a symbol trades falls off with its rank, as on Binance, where the first tenth has most
    of the trades.
    """
    weights = [(rank + 1) ** -0.7 for rank in range(symbols)]
    low, high = 0.0, 1e4
    for _ in range(50):
        middle = (low + high) / 2
        share = sum(1 - math.exp(-min(middle * w, _MOST_TRADES)) for w in weights) / symbols
        low, high = (middle, high) if share < activity else (low, middle)
    scale = min(high, 1e3)
    return [min(scale * w, _MOST_TRADES) for w in weights]


def _poisson(chance: random.Random, rate: float) -> int:
    count, left = 0, math.exp(-rate)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count


def _dead(symbol: str) -> Day:
    zero = "0.00000000"
    now = time.time_ns() // 1_000_000
    return Day(symbol, zero, zero, zero, zero, zero, zero, now - 86_400_000, now, status="BREAK")
