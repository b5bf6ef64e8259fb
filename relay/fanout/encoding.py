"""Encoding: how updates and events look on the wire to one kind of client."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from relay.board import Entry
from relay.candle import Candle, decimal
from relay.clock import Clock
from relay.fanout.checksum import NOTHING, Checksum
from relay.fanout.counts import Kind
from relay.ticker import Ticker, public

_encode = msgspec.json.Encoder().encode


def _with_candles(ticker: Ticker) -> str:
    """A whole ticker, and its symbol's newest candles as rows: the running one last."""
    rows = ",".join(map(_row, ticker.candles))
    return f'{_encode(public(ticker))[:-1].decode()},"candles":[{rows}]}}'


def _row(candle: Candle) -> str:
    """`[time in milliseconds, open, high, low, close, updates]`, prices as strings."""
    places = candle.decimals
    prices = (candle.open, candle.high, candle.low, candle.close)
    quoted = ",".join(f'"{decimal(price, places)}"' for price in prices)
    return f"[{candle.time * 1000},{quoted},{candle.updates}]"


#: What a client's `fields` parameter may say, and the JSON text that it stands for. Symbols and prices
#: were checked when they came in: they hold nothing that JSON would have to escape.
PAYLOADS: dict[str, Callable[[Ticker], str]] = {
    "price": lambda ticker: f'{{"symbol":"{ticker.symbol}","price":"{ticker.price}"}}',
    "ticker": lambda ticker: _encode(public(ticker)).decode(),
    "candle": _with_candles,
}
#: Bytes that a piece never exceeds, on either transport: clients with limits of 32 KiB a message read it.
MAX_PIECE_BYTES = 32 << 10
#: Entries of a piece, so few that the longest symbols and figures stay below MAX_PIECE_BYTES. A usual
#: piece has about 8 KiB.
ENTRIES_PER_PIECE = {"price": 144, "ticker": 24, "candle": 14}


def parted(entries: list[Entry]) -> tuple[list[Ticker], list[str]]:
    """The updates among these entries, and the symbols that are gone with them."""
    tickers = [ticker for _, ticker in entries]
    if not any(ticker.removed for ticker in tickers):
        return tickers, []
    # A symbol that went may have come back, or the other way round: the last word on each counts.
    newest = {ticker.symbol: ticker for ticker in tickers}.values()
    return [t for t in newest if not t.removed], [t.symbol for t in newest if t.removed]


def removed_event(symbols: list[str], **more: object) -> bytes:
    """The JSON of the event that takes symbols away."""
    return _encode({"event": "removed", "symbols": symbols} | more)


class Form(Protocol):
    """A wire form. Equal forms give equal bytes: their clients may share them."""

    @property
    def kind(self) -> Kind:
        """What a stream of this form counts as."""

    @property
    def entries_per_piece(self) -> int:
        """How many entries go into one piece of a delivery."""

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        """The updates, the last one with the id to resume from."""

    def event(self, name: str, data: bytes) -> bytes:
        """A named event; `data` is a JSON object. It never changes the id to resume from."""

    def end(self, name: str, data: bytes, given: Checksum = NOTHING) -> bytes:
        """A last event, and what properly ends the stream. `given`: of all that it said before."""

    def shared(self, clock: Clock) -> "Shared | None":
        """For a form whose bytes may refer to what went before them: one cohort's past."""


class Shared(Protocol):
    """Makes bytes for those who have all been given the same bytes so far."""

    def renew(self, alone: bool) -> bool:
        """To be asked before each pass: True if its bytes refer to nothing before, so others may join.

        `alone`: nobody shares the past.
        """

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        """See Form."""

    def event(self, name: str, data: bytes) -> bytes:
        """See Form."""
