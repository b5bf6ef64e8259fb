"""Synthetic: a made-up market in real time. Its prices are nobody's."""

import asyncio
import time
from collections.abc import Collection, Iterable

from relay.simulator import payloads
from relay.simulator.activity import Activity
from relay.simulator.instrument import Instrument
from relay.simulator.interval import INTERVALS, opening
from relay.simulator.listing import DELISTED, listing, newcomer
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

#: Trades per second of a symbol that is listed while the market runs.
_NEW_RATE = 3.0

#: Most candles whose end is told at once, to a stream whose market was held up.
_MOST_CANDLES = 60


class Synthetic:
    """`symbols` symbols, of which the share `activity` trades in a second; 1 means all of them.

    All-market frames come once a second, with the symbols that traded since the last one, in the
    order of the listing. The same seed gives the same symbols and the same history.
    """

    def __init__(self, symbols: int, activity: float, seed: int) -> None:
        now = time.time()
        self._seed = seed
        self._activity = Activity(symbols, activity, seed)
        self._instruments = [
            Instrument(listed, rank, now, rate)
            for rank, (listed, rate) in enumerate(
                zip(listing(symbols, seed), self._activity.rates, strict=True)
            )
        ]
        began = time.time()  # not before: that took a while
        for instrument in self._instruments:
            instrument.begin(began)
        self._by_symbol = {i.symbol: i for i in self._instruments}
        self._by_lower = {i.lower: i for i in self._instruments}
        self._traded: set[Instrument] = {
            self._instruments[rank] for rank in self._activity.second()
        }
        self._fresh: set[Instrument] = set()  # were listed since the last second
        self._suspended: frozenset[str] = frozenset()
        self._paused: frozenset[str] = frozenset()
        self._newest: dict[str, bytes] = {}
        self._opened: dict[str, int] = {}
        self._depths: dict[str, int] = {}

    async def run(self, exchange: Carrier) -> None:
        due = time.monotonic()
        while True:
            traded: set[Instrument] = set()
            for number, planned in enumerate(self._activity.slices(_SLICES)):
                due = max(due + _SLICE, time.monotonic() - 1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                idle = self._suspended | self._paused
                drawn = [self._instruments[rank] for rank in planned]
                trading = [i for i in drawn if i.symbol not in idle]
                for instrument in trading:
                    self._trade(exchange, instrument)
                traded.update(trading)
                if number % 2:
                    self._publish_depth(exchange)
            self._traded = traded | self._fresh
            self._fresh = set()
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
        now = time.time()
        for symbol in self._suspended ^ frozenset(symbols):
            instrument = self._by_symbol.get(symbol)
            if instrument is None:
                continue
            if symbol in self._suspended:
                instrument.annals.resume(now)
            else:
                instrument.annals.halt(now)
        self._suspended = frozenset(symbols)

    def pause(self, symbols: Collection[str]) -> None:
        self._paused = frozenset(symbols)

    def found(self, symbol: str) -> bool:
        if symbol in self._by_symbol or symbol in DELISTED:
            return False
        now = time.time()
        rank = self._activity.add(_NEW_RATE)
        instrument = Instrument(newcomer(symbol, self._seed), rank, now, _NEW_RATE, new=True)
        instrument.begin(now)
        self._instruments.append(instrument)
        self._fresh.add(instrument)
        self._by_symbol[symbol] = self._by_lower[instrument.lower] = instrument
        return True

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
        if instrument is None:
            return []
        return instrument.annals.candles(interval, time.time(), start, end, limit)

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
        wanted = tuple(exchange.wanted())
        self._opened = {s: opened for s, opened in self._opened.items() if s in wanted}
        for stream in wanted:
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
        """Say how candles ended since the last time, and every other second how the newest stands."""
        if interval not in INTERVALS:
            return
        now = time.time()
        since = self._opened.get(stream, opening(now, interval))
        self._opened[stream] = opening(now, interval)
        candles = instrument.annals.candles(interval, now, since * 1000, None, _MOST_CANDLES)
        number = instrument.last_id - sum(int(candle[8]) for candle in candles)
        for candle in candles:
            number += int(candle[8])
            closed = int(candle[6]) < now * 1000
            if closed or interval == "1s" or int(now) % 2 == 0:
                text = payloads.kline(
                    instrument.symbol, interval, candle, now, number, closed=closed
                )
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


def _dead(symbol: str) -> Day:
    zero = "0.00000000"
    now = time.time_ns() // 1_000_000
    return Day(
        symbol,
        zero,
        zero,
        zero,
        zero,
        zero,
        zero,
        now - 86_400_000,
        now,
        status="BREAK",
        quote="USDT",
    )
