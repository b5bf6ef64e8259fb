"""Instrument: the state of one symbol of the synthetic market, moved on by its trades."""

import math
import random
from dataclasses import dataclass

from relay.simulator.annals import UNIT, Annals, decimal
from relay.simulator.listing import Listed
from relay.simulator.market import Day
from relay.simulator.past import Past
from relay.simulator.tape import Tape
from relay.simulator.window import Window

_DAY = 86_400

#: Dollars that the symbol traded most turns over in a day; the second half of it, and so on.
_TURNOVER = 4e8

#: From this price on cents are nothing: bitcoin in yen or rupiah.
_COARSE = 1e7

#: How unlike the sizes of trades are: sigma of a log-normal distribution.
_SPREAD = 1.5

#: Seconds in which a price goes back to its course, from where the made-up past ended.
_RETURN = 3_600.0


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade: price and quantity in units, time in ms, and whether the buyer was the maker."""

    number: int
    price: int
    quantity: int
    time: int
    maker: bool


class Instrument:
    """A price that walks in steps of its own tick around the course it is headed for.

    Open, high, low and volumes of the last 24 hours are those of its candles.
    """

    def __init__(
        self, listed: Listed, rank: int, now: float, rate: float, *, new: bool = False
    ) -> None:
        """`rate`: trades per second. A new symbol has no past: it is listed now (seconds)."""
        self.symbol = listed.symbol
        self.lower = "".join(c.lower() if c.isascii() else c for c in listed.symbol)
        self.rank = rank
        self._listed = listed
        self._chance = random.Random(f"{listed.symbol} {int(now)}")
        dollars = listed.base.base
        self.tick = _tick(dollars / listed.quote.base)
        self.lot = _lot(dollars)
        trades = rate * _DAY
        lots = max(1.0, _TURNOVER / (rank + 1) / trades * UNIT / dollars / self.lot)
        self._size = math.log(lots) - _SPREAD**2 / 2
        # The minute that has begun is made of what comes from here on, and of nothing made up.
        begun = int(now) // 60 * 60
        scale = self.tick * self.lot / UNIT
        tape = Tape(begun, scale)
        past = None
        if not new:
            past = Past(listed.key, listed.since, self._ticks, scale, trades, lots)
        self.annals = Annals(self.tick, self.lot, tape, past)
        self._tape = tape
        self._begun = now
        self._day = Window(self.annals, _DAY // 60, int(now))
        self._windows = {_DAY // 60: self._day}
        price = self.annals.price(begun)
        self.price = self.course(now) if price is None else price * self.tick
        # The made-up past ends beside the course, from where the price goes back to it.
        self._aside = self.price - self.course(now)
        self.update_id = 4_000_000_000 + rank
        # The first trade of all has the id 0.
        self.last_id = -1 if new else 10_000_000 + rank + self._day.trades

    def begin(self, now: float) -> None:
        """Let the first trade happen, at the price there is. It comes before all others."""
        self.last = self._record(now)

    def trade(self, now: float) -> Trade:
        """Let one trade happen at a time in seconds since 1970."""
        aside = self._aside * math.exp((self._begun - now) / _RETURN)
        gap = self._listed.price(now) * UNIT + aside - self.price
        spread = max(0.7 * self.tick, self.price * 3e-5)
        step = self._chance.gauss(0.08 * gap, spread)
        self.price = max(self.tick, self.price + round(step / self.tick) * self.tick)
        self.last_id += 1
        self.update_id += self._chance.randint(1, 9)
        self.last = self._record(now)
        return self.last

    def window(self, minutes: int = _DAY // 60) -> Window:
        """Return what tickers say of so many minutes, up to the last trade."""
        if minutes not in self._windows:
            self._windows[minutes] = Window(self.annals, minutes, self.last.time // 1000)
        return self._windows[minutes]

    @property
    def bid(self) -> int:
        """Best bid: the seller who hit it set the price, or it is a tick below."""
        return self.price if self.last.maker else max(self.price - self.tick, 0)

    @property
    def ask(self) -> int:
        """Best ask, one tick above the bid."""
        return self.bid + self.tick

    def book_quantity(self) -> int:
        """Return a plausible quantity at some price of the book."""
        return self._quantity() * 7

    def course(self, seconds: float) -> int:
        """Return the price the course had at a time, on the tick."""
        return self._ticks(seconds) * self.tick

    def day(self) -> Day:
        """Return the last 24 hours as REST shows them."""
        window = self._day
        return Day(
            symbol=self.symbol,
            last=decimal(self.price),
            open=decimal(window.open * self.tick),
            high=decimal(window.high * self.tick),
            low=decimal(window.low * self.tick),
            volume=decimal(window.volume * self.lot),
            quote_volume=decimal(window.quote),
            open_time=self.last.time - _DAY * 1000,
            close_time=self.last.time,
            last_quantity=decimal(self.last.quantity),
            bid=decimal(self.bid),
            bid_quantity=decimal(self.book_quantity()),
            ask=decimal(self.ask),
            ask_quantity=decimal(self.book_quantity()),
            first_id=self.last_id - window.trades + 1,
            last_id=self.last_id,
            count=window.trades,
            quote=self._listed.quoted_in,
        )

    def _record(self, now: float) -> Trade:
        time = int(now * 1000)
        for window in self._windows.values():
            window.move(time // 1000)
        quantity = self._quantity()
        maker = self._chance.random() < 0.5
        price, lots = self.price // self.tick, quantity // self.lot
        quote = self._quote(price, lots)
        self._tape.add(time // 1000, price, lots, quote, bought=not maker)
        for window in self._windows.values():
            window.add(price, lots, quote)
        return Trade(self.last_id, self.price, quantity, time, maker)

    def _ticks(self, seconds: float) -> int:
        return max(1, round(self._listed.price(seconds) * UNIT / self.tick))

    def _quote(self, price: int, lots: int) -> int:
        return price * self.tick * lots * self.lot // UNIT

    def _quantity(self) -> int:
        # Most trades are small, a few are large.
        return max(1, round(self._chance.lognormvariate(self._size, _SPREAD))) * self.lot


def _tick(price: float) -> int:
    """Return the step of a price, in units: a fifth significant digit, 0.01 at the most, or else 1."""
    most = -2 if price < _COARSE else 0
    return max(1, int(10 ** min(math.floor(math.log10(price)) - 4, most) * UNIT + 0.5))


def _lot(dollars: float) -> int:
    """Return the step of a quantity, in units: a power of ten worth one to ten dollars."""
    return max(1, int(10 ** -math.floor(math.log10(dollars)) * UNIT + 0.5))
