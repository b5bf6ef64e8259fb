"""Register: which symbols are listed, which of them trade, and which are heard of."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace

from relay.simulator.gaps import EVERYTHING, Gaps
from relay.simulator.market import Candle, Carrier, Day, Market

#: What a symbol can be halted with (BINANCE docs, enums: symbol status).
STATUSES = frozenset(("HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY"))

#: What may be the name of a symbol, in any alphabet.
_NAME = re.compile(r"\w{1,32}")

_ENTRY = re.compile(rb"\{[^{}]*\}")
_SYMBOL = re.compile(rb'"s":"([^"]+)"')


class Register:
    """A market, seen without what is not traded at the moment.

    A halted symbol stays known, with its status and as it was when it was halted; a delisted one is
    unknown. Neither trades, and no stream says anything of it. Of a muted one no stream says
    anything either, but REST does: it trades. One that pauses is as usual, and nobody trades it.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._halted: dict[str, Day] = {}
        self._delisted: set[str] = set()
        self._gaps = Gaps(self._changed)
        self._out: set[str] = set()  # these and the muted, in lower case
        self._all_out = False

    def halt(self, symbol: str, status: str) -> bool:
        """Halt a symbol with one of `STATUSES`; return whether it is listed."""
        day = self.day(symbol)
        if day is not None:
            self._halted[symbol] = replace(day, status=status)
            self._changed()
        return day is not None

    def resume(self, symbol: str) -> bool:
        """Let a symbol trade and be heard of again; return whether it is listed.

        `EVERYTHING` ends the gaps of the whole market, and no other.
        """
        ended = self._gaps.end(symbol)
        if symbol == EVERYTHING:
            return ended
        listed = self.day(symbol) is not None
        self._halted.pop(symbol, None)
        self._changed()
        return listed

    def begin_gap(self, kind: str, symbol: str, seconds: float | None) -> bool:
        """Let a symbol, or `EVERYTHING`, pause or be muted until it is resumed or the time is over.

        Return whether it is listed.
        """
        known = symbol == EVERYTHING or self.day(symbol) is not None
        if known:
            self._gaps.begin(kind, symbol, seconds)
        return known

    def found(self, symbol: str, life: float | None) -> bool:
        """List a new symbol, and delist it after so many seconds; return whether that is possible."""
        possible = _NAME.fullmatch(symbol) is not None and self._market.found(symbol)
        if possible and life is not None:
            asyncio.get_running_loop().call_later(life, self.delist, symbol)
        return possible

    def delist(self, symbol: str) -> bool:
        """Make a symbol unknown; return whether it was known."""
        listed = self.day(symbol) is not None
        if listed:
            self._halted.pop(symbol, None)
            self._delisted.add(symbol)
            self._changed()
        return listed

    def relist(self, symbol: str) -> bool:
        """List a symbol that was delisted, and let it trade; return whether it was."""
        delisted = symbol in self._delisted
        self._delisted.discard(symbol)
        self._changed()
        return delisted

    def shown(self) -> dict[str, object]:
        """Return what /simulator/status shows."""
        halted = {symbol: day.status for symbol, day in self._halted.items()}
        return {
            "halted": halted,
            "delisted": sorted(self._delisted),
            "paused": sorted(self._gaps.of("pause")),
            "muted": sorted(self._gaps.of("mute")),
        }

    def allow(self, stream: str, payload: bytes) -> bytes | None:
        """Return what may be said of a payload: all, an array with fewer entries, or nothing."""
        if not self._out and not self._all_out:
            return payload
        if not self.trades_on(stream):
            return None
        entries = _ENTRY.findall(payload) if payload.startswith(b"[") else []
        kept = [entry for entry in entries if not self._is_out(entry)]
        if len(kept) == len(entries):
            return payload
        return b"[%b]" % b",".join(kept) if kept else None

    def trades_on(self, stream: str) -> bool:
        """Return whether anything may be said on a stream."""
        return not self._all_out and stream.partition("@")[0].lower() not in self._out

    async def run(self, exchange: Carrier) -> None:
        """Let the market run."""
        await self._market.run(_Floor(self, exchange))

    def newest(self, stream: str) -> bytes | None:
        """Return what a new subscriber of the stream gets at once, if anything."""
        payload = self._market.newest(stream)
        return None if payload is None else self.allow(stream, payload)

    def notice(self, payload: bytes) -> None:
        """Take note of a payload that is not the market's own."""
        self._market.notice(payload)

    def days(self) -> Iterable[Day]:
        """Return all listed symbols, in the market's order."""
        listed = (day for day in self._market.days() if day.symbol not in self._delisted)
        return [self._halted.get(day.symbol, day) for day in listed]

    def day(self, symbol: str) -> Day | None:
        """Return one symbol, or None if it is not listed."""
        if symbol in self._delisted:
            return None
        return self._halted.get(symbol) or self._market.day(symbol)

    def candles(
        self, symbol: str, interval: str, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        """Return candles as the market does, but none that open after the symbol was halted."""
        halted = self._halted.get(symbol)
        if halted is not None:
            end = halted.close_time if end is None else min(end, halted.close_time)
        return self._market.candles(symbol, interval, start, end, limit)

    def _changed(self) -> None:
        paused, muted = self._gaps.of("pause"), self._gaps.of("mute")
        if EVERYTHING in paused:
            paused = {day.symbol for day in self._market.days()}
        symbols = self._halted.keys() | self._delisted
        self._out = {symbol.lower() for symbol in symbols | muted}
        self._all_out = EVERYTHING in muted
        self._market.suspend(symbols)
        self._market.pause(paused)

    def _is_out(self, entry: bytes) -> bool:
        symbol = _SYMBOL.search(entry)
        return symbol is not None and symbol[1].decode(errors="replace").lower() in self._out


class _Floor:
    """The exchange as the market sees it: nobody asks for what is not traded."""

    def __init__(self, register: Register, exchange: Carrier) -> None:
        self._register = register
        self._exchange = exchange
        self.publish_bare = exchange.publish_bare
        self.subscribed = exchange.subscribed
        self.settle = exchange.settle

    def wanted(self) -> Iterable[str]:
        return filter(self._register.trades_on, self._exchange.wanted())

    def is_wanted(self, stream: str) -> bool:
        return self._exchange.is_wanted(stream) and self._register.trades_on(stream)

    def publish(self, stream: str, payload: bytes) -> None:
        allowed = self._register.allow(stream, payload)
        if allowed is not None:
            self._exchange.publish(stream, allowed)
