"""Claims: which of two tickers of a symbol is the newer one.

The exchange's times and ids alone say it: our clock may be wrong, and a recording may be of any year. A
time of the exchange may be wrong as well, and far ahead. So the claim of a ticker that is held can end. It
ends when tickers that look older have come for CLAIM_SECONDS, each later than the one before, and the held
one did not come again: then the next of them takes its place. A symbol that moves seldom loses one update
by this. A ticker that a store held has the same claim, so a restart keeps no wrong time alive.
"""

from typing import NamedTuple

from relay.ticker import Ticker

#: Carried over from the last message that had them: a trade does not say the day's high.
_DAY_FIELDS = (
    "open",
    "high",
    "low",
    "volume",
    "quote_volume",
    "change",
    "change_percent",
    "trades",
)
#: What happened once, at one price: it did so however late it is told.
TRADES = frozenset(("trade", "aggTrade"))
#: Each event of these kinds has an id of its own; of others the last trade's, which may come again.
_NUMBERED = frozenset(("trade", "aggTrade", "bookTicker"))
#: Ids that begin again, as on a testnet's monthly reset, do so with a time that is later by far more
#: than two connections' can differ, in milliseconds.
_RESTART_MILLISECONDS = 60_000
#: Seconds until a ticker that is contradicted all the time loses its place. Longer than two connections
#: are read side by side (overlap.OVERLAP_SECONDS): what the slower one sends late must not count.
CLAIM_SECONDS = 6.0


class Rivals(NamedTuple):
    """Tickers of one symbol and kind that what is held makes look old."""

    #: When the first of them came, by the monotonic clock.
    since: float
    newest: Ticker

    def precede(self, ticker: Ticker) -> bool:
        """Whether the ticker is later than each of them."""
        return order(ticker) > order(self.newest)


class Claims:
    """What has to be known beside the tickers that are held."""

    def __init__(self) -> None:
        # The last of each other kind: a symbol may come as trade and as bookTicker.
        self._others: dict[tuple[str, str], Ticker] = {}
        #: By symbol and kind: what contradicts the ticker that is held. See `settle`.
        self.rivals: dict[tuple[str, str], Rivals] = {}

    def settle(self, ticker: Ticker) -> None:
        """The ticker was taken: nothing contradicts what is held of its symbol and kind."""
        self.rivals.pop((ticker.symbol, ticker.stream), None)

    def loses(self, ticker: Ticker, held: Ticker, now: float) -> bool:
        """Whether a ticker is not to take the place of what is held."""
        return self.is_old(ticker, held) and not self._outlives(held, ticker, now)

    def _outlives(self, held: Ticker, ticker: Ticker, now: float) -> bool:
        """Whether what looks old takes the place of what is held, whose claim has ended."""
        if order(ticker) == order(held):
            # The same again: it bears out what is held.
            self.rivals.pop((ticker.symbol, ticker.stream), None)
            return False
        key = ticker.symbol, ticker.stream
        rivals = self.rivals.get(key)
        if rivals is None:
            self.rivals[key] = Rivals(now, ticker)
        elif rivals.precede(ticker):
            if now - rivals.since >= CLAIM_SECONDS:
                self._others.pop(key, None)
                return True
            self.rivals[key] = Rivals(rivals.since, ticker)
        return False

    def inherit(self, ticker: Ticker, held: Ticker) -> None:
        """A ticker takes over from one of perhaps another kind."""
        if held.stream != ticker.stream:
            self._others[held.symbol, held.stream] = held
        if ticker.open is None and held.open is not None:
            for field in _DAY_FIELDS:
                if getattr(ticker, field) is None:
                    setattr(ticker, field, getattr(held, field))

    def is_old(self, ticker: Ticker, held: Ticker) -> bool:
        """Older by the exchange's clock or ids, or the same again. Two symbols are never compared."""
        later = _later(ticker, held)
        if later < 0:
            return True
        last = held
        if held.stream != ticker.stream:
            last = self._others.get((ticker.symbol, ticker.stream), held)
        if (
            last.stream == ticker.stream
            and ticker.sequence is not None
            and last.sequence is not None
        ):
            if ticker.stream in _NUMBERED:
                passed = ticker.sequence > last.sequence
                return not passed and _later(ticker, last) <= _RESTART_MILLISECONDS
            if later == 0 and ticker.sequence != last.sequence:
                return ticker.sequence < last.sequence
        return later == 0 and content(ticker) == content(held)

    def forget(self, symbols: set[str]) -> None:
        """Nothing is held of these symbols any more."""
        for kept in (self._others, self.rivals):
            for key in [key for key in kept if key[0] in symbols]:
                del kept[key]

    def clear(self) -> None:
        """Nothing is held any more."""
        self._others.clear()
        self.rivals.clear()


def plainly_follows(ticker: Ticker, held: Ticker) -> bool:
    """The common case, of which a frame has thousands: the same kind, whole, and later."""
    return (
        ticker.stream == held.stream
        and ticker.sequence is None
        and ticker.open is not None
        and (ticker.event_time or 0) > (held.event_time or 0)
    )


def _later(ticker: Ticker, held: Ticker) -> int:
    """By how many milliseconds it is later, as far as the exchange says.

    A book has no time of its own; only one received long after counts as later.
    """
    if ticker.event_time is not None and held.event_time is not None:
        return ticker.event_time - held.event_time
    received_later = ticker.received_time - held.received_time
    return received_later if received_later > _RESTART_MILLISECONDS else 0


def content(ticker: Ticker) -> tuple[str, str, str | None, str | None]:
    """What it says."""
    return ticker.price, ticker.stream, ticker.bid, ticker.ask


def order(ticker: Ticker) -> tuple[int, int]:
    """What orders the tickers of one symbol and kind, which all have a time, or all have none."""
    return ticker.event_time or 0, ticker.sequence or 0
