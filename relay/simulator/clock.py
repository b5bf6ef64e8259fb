"""Clock: a market whose price is the time, so that whoever receives it knows how old it is."""

import asyncio
import time
from collections.abc import Collection, Iterable

from relay.simulator.market import Candle, Carrier, Day

_STREAM = "!miniTicker@arr"

#: Seconds behind the schedule after which lost frames are given up rather than sent in a burst.
_GIVE_UP = 1.0


class Clock:
    """`symbols` symbols in turn, `per_frame` to a frame, `hz` frames a second, on an absolute pace.

    Each price is `time.monotonic()` at the moment of sending, in seconds with nine decimals; high
    equals it. The first symbol is BTCUSDT, the others C0001USDT, C0002USDT, ... Every symbol has
    `@trade` and `@miniTicker` of its own, `hz` frames a second each. A trade's `t` is one more than
    that of the trade before, so whoever stays subscribed can tell that it has missed none.
    """

    def __init__(self, symbols: int, hz: float, per_frame: int | None = None) -> None:
        self._symbols = ["BTCUSDT", *(f"C{number:04}USDT" for number in range(1, symbols))]
        self._period = 1 / hz
        self._by_lower = {symbol.lower(): symbol for symbol in self._symbols}
        self._trades = dict.fromkeys(self._symbols, 0)
        size = min(per_frame or symbols, symbols)
        self._groups = [
            _Template(self._symbols[start : start + size]) for start in range(0, symbols, size)
        ]

    async def run(self, exchange: Carrier) -> None:
        due = time.monotonic()
        turn = 0
        while True:
            due += self._period
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if exchange.is_wanted(_STREAM):
                group = self._groups[turn % len(self._groups)]
                exchange.publish(_STREAM, group.fill(time.time_ns(), time.monotonic()))
                turn += 1
            for stream in exchange.wanted():
                payload = self._of_symbol(stream)
                if payload is not None:
                    exchange.publish(stream, payload)
            if time.monotonic() - due > _GIVE_UP:
                due = time.monotonic()

    def newest(self, stream: str) -> bytes | None:
        """Return nothing: an old price would be a wrong time."""
        del stream
        return None

    def notice(self, payload: bytes) -> int:
        """Take no notice: nobody else tells the time."""
        del payload
        return 0

    def suspend(self, symbols: Collection[str]) -> None:
        """Do nothing: a time that nobody is told does not matter."""
        del symbols

    def pause(self, symbols: Collection[str]) -> None:
        """Do nothing: time does not pause."""
        del symbols

    def found(self, symbol: str) -> bool:
        """Refuse: the symbols are numbered."""
        del symbol
        return False

    def days(self) -> Iterable[Day]:
        return [self._day(symbol) for symbol in self._symbols]

    def day(self, symbol: str) -> Day | None:
        return self._day(symbol) if symbol in self._symbols else None

    def candles(
        self, symbol: str, interval: str, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        """Return nothing: a clock has no history."""
        del symbol, interval, start, end, limit
        return []

    def _of_symbol(self, stream: str) -> bytes | None:
        lower, _, kind = stream.partition("@")
        symbol = self._by_lower.get(lower)
        if symbol is None:
            return None
        if kind == "miniTicker":
            return _Template([symbol]).fill(time.time_ns(), time.monotonic())[1:-1]
        if kind != "trade":
            return None
        self._trades[symbol] += 1
        now = time.time_ns() // 1_000_000
        return (
            f'{{"e":"trade","E":{now},"s":"{symbol}","t":{self._trades[symbol]},'
            f'"p":"{time.monotonic():.9f}","q":"1.00000000","T":{now},"m":false,"M":true}}'
        ).encode()

    def _day(self, symbol: str) -> Day:
        price, now = f"{time.monotonic():.9f}", time.time_ns() // 1_000_000
        zero = "0.000000000"
        return Day(symbol, price, zero, price, zero, "1.0", "1.0", now - 86_400_000, now, count=1)


class _Template:
    """A frame with holes for the time: filling them is three slice assignments and one join."""

    def __init__(self, symbols: list[str]) -> None:
        self._count = len(symbols)
        self._pieces: list[str] = []
        start = '[{"e":"24hrMiniTicker","E":'
        for symbol in symbols:
            self._pieces += [start, "", f',"s":"{symbol}","c":"', "", '","o":"0.000000000","h":"']
            self._pieces += ["", '","l":"0.000000000","v":"1.00000000","q":"1.00000000"}']
            start = ',{"e":"24hrMiniTicker","E":'
        self._pieces.append("]")

    def fill(self, now_ns: int, monotonic: float) -> bytes:
        """Return the frame with the event time (from ns since 1970) and the price (seconds)."""
        price = [f"{monotonic:.9f}"] * self._count
        self._pieces[1:-1:7] = [str(now_ns // 1_000_000)] * self._count
        self._pieces[3:-1:7] = price
        self._pieces[5:-1:7] = price
        return "".join(self._pieces).encode()
