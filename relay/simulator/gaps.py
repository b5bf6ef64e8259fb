"""Gaps: times in which a symbol, or the whole market, does not trade, or is not heard of."""

import asyncio
from collections.abc import Callable

#: Stands for every symbol.
EVERYTHING = "*"

#: What a gap is: nobody trades, or trades go on and no stream tells.
KINDS = ("pause", "mute")


class Gaps:
    """Which symbols are in which kind of gap; `changed` is called whenever that changes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._ends: dict[tuple[str, str], asyncio.TimerHandle | None] = {}

    def begin(self, kind: str, symbol: str, seconds: float | None) -> None:
        """Begin a gap that ends after so many seconds, or when it is told to."""
        self._cancel(kind, symbol)
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.call_later(seconds, self._end, kind, symbol)
        self._ends[kind, symbol] = end
        self._changed()

    def end(self, symbol: str) -> bool:
        """End the gaps of a symbol; return whether it had any."""
        ended = [self._cancel(kind, symbol) for kind in KINDS]
        self._changed()
        return any(ended)

    def of(self, kind: str) -> set[str]:
        """Return the symbols, or `EVERYTHING`, in a kind of gap."""
        return {symbol for gap, symbol in self._ends if gap == kind}

    def _end(self, kind: str, symbol: str) -> None:
        self._cancel(kind, symbol)
        self._changed()

    def _cancel(self, kind: str, symbol: str) -> bool:
        known = (kind, symbol) in self._ends
        timer = self._ends.pop((kind, symbol), None)
        if timer is not None:
            timer.cancel()
        return known
