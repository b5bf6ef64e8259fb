"""Tapes: the trades in payloads that somebody else made, and their candles."""

import json
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from relay.simulator.annals import UNIT, Annals
from relay.simulator.market import Candle
from relay.simulator.tape import Tape

#: Kinds that are trades, and the key of their number.
_NUMBERS = {"trade": "t", "aggTrade": "a"}

#: A time from here on is in microseconds.
_MICROSECONDS = 10**14


class Tapes:
    """One tape for each symbol that had trades: of single trades, or of aggregate ones.

    Whichever kind came first is taken, and each number once. The newest trade of all is now: candles
    end there, of whatever time it was.
    """

    def __init__(self) -> None:
        self._tapes: dict[str, Tape] = {}
        self._kinds: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._now = 0  # seconds

    def take(self, symbol: str, kind: str, payload: bytes) -> None:
        """Take note of a payload, if it is a trade. Recordings may hold junk."""
        if kind in _NUMBERS and self._kinds.setdefault(symbol, kind) == kind:
            with suppress(ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
                self._trade(symbol, kind, json.loads(payload))

    def candles(
        self, symbol: str, interval: str, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        """Return the candles of a symbol; none if it had no trades."""
        tape = self._tapes.get(symbol)
        if tape is None:
            return []
        return Annals(1, 1, tape).candles(interval, self._now, start, end, limit)

    def _trade(self, symbol: str, kind: str, event: dict[str, Any]) -> None:
        price, volume = _units(event["p"]), _units(event["q"])
        number, time = int(event[_NUMBERS[kind]]), int(event["T"])
        second = time // (1_000_000 if time >= _MICROSECONDS else 1000)
        count = int(event["l"]) - int(event["f"]) + 1 if kind == "aggTrade" else 1
        bought = not event["m"]
        if price <= 0 or volume < 0 or count < 1 or number <= self._numbers.get(symbol, -1):
            return
        self._numbers[symbol] = number
        self._now = max(self._now, second)
        tape = self._tapes.get(symbol)
        if tape is None:
            tape = self._tapes[symbol] = Tape(second // 60 * 60, 1 / UNIT, code=None)
        tape.add(second, price, volume, price * volume // UNIT, bought=bought, count=count)


def _units(text: str) -> int:
    """Return a decimal in units of 1e-8; what is finer is cut off."""
    number = Decimal(text)
    if not number.is_finite() or number.adjusted() > 30:
        raise ValueError(text)
    return int(number.scaleb(8))
