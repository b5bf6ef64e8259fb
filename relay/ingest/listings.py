"""Listings: of each symbol that is held its quote asset, and whether it was listed lately.

A symbol counts as new if REST says that its first trade ever was within 24 hours. Until REST is asked next,
one counts as well that a stream brings and that REST did not have when it said all that is traded: another
word of REST's ends that, since it may only have been halted for long.
"""

from collections.abc import Iterable, Mapping

from relay.clock import SYSTEM, Clock
from relay.ticker import Ticker, is_quote

#: Milliseconds for which a symbol is new.
NEW_MILLISECONDS = 30 * 86_400_000


class Listings:
    """What tickers are stamped with; see Ticker.quote and Ticker.listed."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        #: The quote asset of each symbol of which it is known.
        self.quotes: dict[str, str] = {}
        #: When each new symbol was seen first, in milliseconds since 1970.
        self.listed: dict[str, int] = {}
        # New by what a stream brought: REST has not borne it out yet.
        self._supposed: set[str] = set()
        # Whether everything that is traded was known once, so that another symbol is new.
        self._whole = False

    def stamp(self, ticker: Ticker) -> None:
        """Puts on a ticker what is known of its symbol."""
        ticker.quote = self.quotes.get(ticker.symbol)
        ticker.listed = self.listed.get(ticker.symbol)

    def agrees(self, ticker: Ticker) -> bool:
        """Whether a ticker says what is known of its symbol."""
        known = self.quotes.get(ticker.symbol), self.listed.get(ticker.symbol)
        return known == (ticker.quote, ticker.listed)

    def appears(self, symbol: str) -> None:
        """A symbol came that was not held."""
        if self._whole and symbol not in self.listed:
            self.listed[symbol] = self._clock.wall_ms()
            self._supposed.add(symbol)

    def learn_debuts(self, debuts: Mapping[str, bool]) -> None:
        """REST says whether a first trade ever was within 24 hours, of each symbol that it knows this of."""
        now = self._clock.wall_ms()
        self.listed = {s: listed for s, listed in self.listed.items() if _is_new(listed, now)}
        for symbol, is_debut in debuts.items():
            if is_debut:
                self.listed.setdefault(symbol, now)
            elif symbol in self._supposed:
                self.listed.pop(symbol, None)
            self._supposed.discard(symbol)

    def know_all(self) -> None:
        """All that is traded is held: what comes from here on is new."""
        self._whole = True

    def learn_quotes(self, quotes: Mapping[str, str]) -> None:
        """The exchange lists these symbols with these quote assets."""
        self.quotes |= {symbol: q for symbol, q in quotes.items() if is_quote(q, symbol)}

    def restore(self, tickers: Iterable[Ticker]) -> None:
        """Takes over what a store's tickers say, as far as it can be believed; the older date counts."""
        now = self._clock.wall_ms()
        for ticker in tickers:
            symbol, quote, listed = ticker.symbol, ticker.quote, ticker.listed
            if quote is not None and is_quote(quote, symbol):
                self.quotes.setdefault(symbol, quote)
            if listed is not None and _is_new(listed, now):
                self.listed[symbol] = min(listed, self.listed.get(symbol, listed))
                self._supposed.discard(symbol)

    def forget(self, symbol: str) -> None:
        """The exchange does not list the symbol any more."""
        self.quotes.pop(symbol, None)
        self.listed.pop(symbol, None)
        self._supposed.discard(symbol)

    def clear(self) -> None:
        """Forgets everything: it was of another kind than what comes now."""
        for kept in (self.quotes, self.listed, self._supposed):
            kept.clear()
        self._whole = False


def _is_new(listed: int, now: int) -> bool:
    """Another machine's clock may be ahead of ours."""
    return abs(now - listed) < NEW_MILLISECONDS
