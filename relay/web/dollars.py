"""Dollars: what amounts of each quote asset are worth, by the prices at hand; and which asset of a symbol
is which. static/market/dollars.js has the same rules.

Nothing here raises, whatever a ticker holds.
"""

import math
import re
from collections.abc import Iterable

from relay.ticker import Ticker


def _words(text: str) -> list[str]:
    return text.split()


#: Assets that stand for one US dollar; those whose prices count before others' come first.
STABLE = _words("""
    USDT USDC FDUSD USD1 TUSD USDP DAI BUSD USDE USDS RLUSD XUSD BFUSD PYUSD GUSD PAX U USD
""")
#: Assets in which others are priced that have no price in dollars themselves.
BRIDGES = ("BTC", "ETH", "BNB")
#: The quote assets that a symbol may end in, for symbols whose quote nobody told. Left out is what would
#: be found in other symbols: ADAEUR is no pair of AEUR, nor AVAXUSD one of XUSD, nor BNBIDR one of BIDR.
QUOTES = frozenset(
    _words("""
        FDUSD RLUSD USDT USDC TUSD USDP BUSD USDE USDS USD1 DOGE EURI IDRT BKRW BVND GYEN BTC ETH BNB SOL
        XRP TRX DOT DAI PAX VAI USD EUR TRY BRL JPY IDR GBP AUD ARS MXN COP CZK PLN RON UAH ZAR NGN RUB
    """)
)
_LENGTHS = sorted({len(quote) for quote in QUOTES}, reverse=True)
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?+")
#: What one unit of an asset that others are priced in may be worth: beyond is a mistake, or an attack.
_LEAST, _MOST = 1e-9, 1e9


def split(ticker: Ticker) -> tuple[str, str]:
    """Its base and quote asset: by its `quote`, else by the longest known quote that its symbol ends in,
    else the whole symbol and ""."""
    symbol, quote = ticker.symbol, ticker.quote
    if quote and symbol.endswith(quote) and len(quote) < len(symbol):
        return symbol[: -len(quote)], quote
    for length in _LENGTHS:
        known = symbol[-length:]
        if length < len(symbol) and known in QUOTES:
            return symbol[:-length], known
    return symbol, ""


class Dollars:
    """What a unit of each quote asset is worth."""

    def __init__(self) -> None:
        self._prices: dict[tuple[str, str], float] = {}
        self._units: dict[str, float] = {}

    def renew(self, tickers: Iterable[Ticker]) -> None:
        """Works it out anew. Of the tickers only prices that are traded count."""
        self._prices = {}
        quotes: dict[str, None] = {}
        for ticker in tickers:
            base, quote = split(ticker)
            quotes[quote] = None
            price = 0.0 if ticker.status else _value(ticker.price)
            if price:
                self._prices[base, quote] = price
        self._units = dict.fromkeys(STABLE, 1.0)
        for assets in (BRIDGES, quotes):
            self._learn(assets)

    def worth(self, amount: str | None, quote: str) -> float | None:
        """US dollars of an amount of a quote asset, to be shown in a few digits; None where no price says."""
        unit = self._units.get(quote)
        if unit is None or amount is None or not _AMOUNT.fullmatch(amount):
            return None
        dollars = float(amount) * unit
        return dollars if math.isfinite(dollars) else None

    def _learn(self, assets: Iterable[str]) -> None:
        for asset in assets:
            if asset in self._units:
                continue
            unit = self._against(asset, STABLE) or self._against(asset, BRIDGES)
            if unit is not None:
                self._units[asset] = unit

    def _against(self, asset: str, others: Iterable[str]) -> float | None:
        """A unit in dollars by the first of the others that it is traded against; None if by none."""
        for other in others:
            dollars = self._units.get(other)
            if dollars is None:
                continue
            direct = self._prices.get((asset, other))
            if direct is not None and _within(direct * dollars):
                return direct * dollars
            inverse = self._prices.get((other, asset))
            if inverse is not None and _within(dollars / inverse):
                return dollars / inverse
        return None


def _value(price: str) -> float:
    """What a price is; 0 where it can be none."""
    value = float(price) if _AMOUNT.fullmatch(price) else 0.0
    return value if math.isfinite(value) else 0.0


def _within(unit: float) -> bool:
    return _LEAST <= unit <= _MOST
