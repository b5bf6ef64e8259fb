"""Seen: what REST knows of a market that only has payloads: what has been sent so far, no more."""

import json
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any

from relay.simulator.market import Candle, Day
from relay.simulator.tapes import Tapes

_KIND = re.compile(rb'^\{"e":"(\w+)"')
_ENTRY = re.compile(rb"\{[^{}]*\}")
_SYMBOL = re.compile(rb'"s":"([^"]+)"')

#: Kinds that say a price, and the key that holds it. A payload without `e` is a bookTicker.
PRICE_KEYS = {
    "24hrMiniTicker": "c",
    "24hrTicker": "c",
    "1hTicker": "c",
    "4hTicker": "c",
    "1dTicker": "c",
    "trade": "p",
    "aggTrade": "p",
    "bookTicker": "b",
    "kline": "c",
    "avgPrice": "w",
}


class Seen:
    """The newest payload of every symbol and kind. Payloads are kept raw; a REST call reads them.

    Half of a market: whoever publishes payloads that it did not make inherits this.
    """

    def __init__(self) -> None:
        self._newest: dict[str, dict[str, bytes]] = {}
        self._tapes = Tapes()

    def notice(self, payload: bytes) -> int:
        """Remember a payload; return how many prices it holds."""
        if payload.startswith(b"["):
            return sum(map(self._remember, _ENTRY.findall(payload)))
        return self._remember(payload)

    def newest(self, stream: str) -> bytes | None:
        """Return nothing: a recording is sent once."""
        del stream
        return None

    def suspend(self, symbols: Collection[str]) -> None:
        """Do nothing: what is sent was decided elsewhere."""
        del symbols

    def pause(self, symbols: Collection[str]) -> None:
        """Do nothing, likewise."""
        del symbols

    def found(self, symbol: str) -> bool:
        """Refuse: there are the symbols that payloads tell of, and no others."""
        del symbol
        return False

    def days(self) -> Iterable[Day]:
        return [day for day in map(self.day, self._newest) if day is not None]

    def day(self, symbol: str) -> Day | None:
        if symbol not in self._newest:
            return None
        payloads = self._newest[symbol]
        day = Day(symbol, "", "", "", "", "0.00000000", "0.00000000", 0, 0)
        for kind in PRICE_KEYS.keys() & payloads.keys():
            with suppress(ValueError, KeyError, TypeError):  # recordings may hold junk
                _take(day, kind, json.loads(payloads[kind]))
        for field in ("open", "high", "low"):
            setattr(day, field, getattr(day, field) or day.last)
        return day if day.last else None

    def candles(
        self, symbol: str, interval: str, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        return self._tapes.candles(symbol, interval, start, end, limit)

    def _remember(self, payload: bytes) -> int:
        symbol = _SYMBOL.search(payload)
        if symbol is None:
            return 0
        kind, name = kind_of(payload), symbol[1].decode(errors="replace")
        self._newest.setdefault(name, {})[kind] = payload
        self._tapes.take(name, kind, payload)
        return kind in PRICE_KEYS


def kind_of(payload: bytes) -> str:
    """Return the event type `e`; bookTicker has none, and partial depth has no symbol either."""
    kind = _KIND.match(payload)
    if kind is not None:
        return kind[1].decode()
    return "bookTicker" if b'"b":"' in payload else ""


def _take(day: Day, kind: str, event: dict[str, Any]) -> None:
    values = event.get("k", event)
    time = int(event.get("E", 0))
    if kind == "bookTicker":
        day.bid, day.bid_quantity, day.ask, day.ask_quantity = (event[key] for key in "bBaA")
        day.last = day.last or day.bid
    elif time >= day.close_time:
        day.last, day.close_time = values[PRICE_KEYS[kind]], time
        day.open_time = time - 86_400_000
    if kind in ("24hrMiniTicker", "24hrTicker"):
        day.open, day.high, day.low, day.volume, day.quote_volume = (event[key] for key in "ohlvq")
        day.count = int(event.get("n", 1))
    if "b" in event and "B" in event:
        day.bid, day.bid_quantity, day.ask, day.ask_quantity = (event[key] for key in "bBaA")
