"""Market: where prices come from. The exchange carries them; a market makes them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

#: One candle as /api/v3/klines gives it: times in ms, prices and volumes as strings.
Candle = list[int | str]


@dataclass(slots=True)
class Day:
    """The last 24 hours of one symbol, in Binance's strings; times in milliseconds."""

    symbol: str
    last: str
    open: str
    high: str
    low: str
    volume: str
    quote_volume: str
    open_time: int
    close_time: int
    last_quantity: str = "0.00000000"
    bid: str = "0.00000000"
    bid_quantity: str = "0.00000000"
    ask: str = "0.00000000"
    ask_quantity: str = "0.00000000"
    first_id: int = -1
    last_id: int = -1
    count: int = 0
    status: str = "TRADING"
    #: The asset in which it is priced, which its name ends in.
    quote: str = ""


class Carrier(Protocol):
    """What a market sees of the exchange."""

    def wanted(self) -> Iterable[str]:
        """Return the names of all streams that somebody is subscribed to."""

    def is_wanted(self, stream: str) -> bool:
        """Return whether anybody is subscribed."""

    def publish(self, stream: str, payload: bytes) -> None:
        """Send a payload to whoever is subscribed to the stream."""

    def publish_bare(self, message: bytes) -> None:
        """Send a message as it is, of no stream, to whoever is subscribed to anything."""

    async def subscribed(self) -> None:
        """Wait until somebody is subscribed to anything."""

    async def settle(self) -> None:
        """Wait until every client has taken what was sent to it."""


class Market(Protocol):
    """What the exchange and its REST calls see of a market."""

    async def run(self, exchange: Carrier) -> None:
        """Publish for ever, or until there is nothing more to publish."""

    def newest(self, stream: str) -> bytes | None:
        """Return what a new subscriber of the stream gets at once, if anything."""

    def notice(self, payload: bytes) -> int:
        """Take note of a payload published by somebody else; return how many prices it holds."""

    def suspend(self, symbols: Collection[str]) -> None:
        """Let these symbols not trade until the next call, and all others trade."""

    def pause(self, symbols: Collection[str]) -> None:
        """Let nobody trade these symbols until the next call, though they could."""

    def found(self, symbol: str) -> bool:
        """List a symbol that never was; return whether that is possible."""

    def days(self) -> Iterable[Day]:
        """Return all symbols, in the order in which the exchange lists them."""

    def day(self, symbol: str) -> Day | None:
        """Return one symbol, or None if it is not listed."""

    def candles(
        self, symbol: str, interval: str, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        """Return at most `limit` candles, the oldest first; start and end in ms."""
