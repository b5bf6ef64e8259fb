"""Instrument: the state of one symbol of the synthetic market, moved on by its trades."""

import math
import random
from dataclasses import dataclass

from relay.simulator.listing import Listed
from relay.simulator.market import Day

#: Prices and quantities are integers in units of 1e-8, the last decimal that Binance prints.
UNIT = 10**8

_DAY = 86_400
_SURVEY = 600.0  # seconds between looks at the whole window of 24 h
_SAMPLES = 24


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

    Open, high and low are those of the last 24 hours; the quote volume is the volume at a mean
    price between low and high.
    """

    def __init__(self, listed: Listed, rank: int, now: float) -> None:
        self.symbol = listed.symbol
        self.lower = "".join(c.lower() if c.isascii() else c for c in listed.symbol)
        self.rank = rank
        self._listed = listed
        self._chance = random.Random(f"{listed.symbol} {int(now)}")
        dollars = listed.base.at(now)
        self.tick = _tick(listed.price(now))
        self.lot = _lot(dollars)
        self.price = self.open = self.high = self.low = self.course(now)
        self.volume = round(4e8 / (rank + 1) / dollars * UNIT / self.lot) * self.lot
        self.update_id = 4_000_000_000 + rank
        self.first_id = 10_000_000 + rank
        self.last_id = self.first_id + 900_000 // (rank + 1) + 20
        self._survey(now)
        self.trade(now)

    def trade(self, now: float) -> Trade:
        """Let one trade happen at a time in seconds since 1970."""
        if now - self._surveyed > _SURVEY:
            self._survey(now)
        gap = self._listed.price(now) * UNIT - self.price
        spread = max(0.7 * self.tick, self.price * 3e-5)
        step = self._chance.gauss(0.08 * gap, spread)
        self.price = max(self.tick, self.price + round(step / self.tick) * self.tick)
        self.high = max(self.high, self.price)
        self.low = min(self.low, self.price)
        # As much as came in has left the window of 24 h, give or take.
        quantity, left = self._quantity(), self._quantity()
        self.volume = max(quantity, self.volume + quantity - left)
        self.last_id += 1
        self.first_id += 1
        self.update_id += self._chance.randint(1, 9)
        time = int(now * 1000)
        self.last = Trade(self.last_id, self.price, quantity, time, self._chance.random() < 0.5)
        return self.last

    @property
    def bid(self) -> int:
        """Best bid: the seller who hit it set the price, or it is a tick below."""
        return self.price if self.last.maker else max(self.price - self.tick, 0)

    @property
    def ask(self) -> int:
        """Best ask, one tick above the bid."""
        return self.bid + self.tick

    @property
    def mean(self) -> int:
        """Weighted mean price of the window, between low and high."""
        return (self.open + self.high + self.low + self.price) // 4

    @property
    def quote_volume(self) -> int:
        """Volume in the quote asset."""
        return self.volume * self.mean // UNIT

    def book_quantity(self) -> int:
        """Return a plausible quantity at some price of the book."""
        return self._quantity() * 7

    def course(self, seconds: float) -> int:
        """Return the price the course had at a time, on the tick."""
        return max(1, round(self._listed.price(seconds) * UNIT / self.tick)) * self.tick

    def day(self) -> Day:
        """Return the window as REST shows it."""
        return Day(
            symbol=self.symbol,
            last=decimal(self.price),
            open=decimal(self.open),
            high=decimal(self.high),
            low=decimal(self.low),
            volume=decimal(self.volume),
            quote_volume=decimal(self.quote_volume),
            open_time=self.last.time - _DAY * 1000,
            close_time=self.last.time,
            last_quantity=decimal(self.last.quantity),
            bid=decimal(self.bid),
            bid_quantity=decimal(self.book_quantity()),
            ask=decimal(self.ask),
            ask_quantity=decimal(self.book_quantity()),
            first_id=self.first_id,
            last_id=self.last_id,
            count=self.last_id - self.first_id + 1,
        )

    def _survey(self, now: float) -> None:
        self._surveyed = now + self._chance.uniform(0, _SURVEY)
        courses = [self.course(now - _DAY * n / _SAMPLES) for n in range(1, _SAMPLES + 1)]
        self.open = courses[-1]
        self.high = max(*courses, self.price)
        self.low = min(*courses, self.price)

    def _quantity(self) -> int:
        # Most trades are small, a few are large: some 200 dollars at the median.
        return max(1, round(self._chance.lognormvariate(4, 1.5))) * self.lot


def decimal(units: int) -> str:
    """Print units of 1e-8 as Binance does: eight decimals, trailing zeros kept."""
    return f"{units // UNIT}.{units % UNIT:08d}"


def _tick(price: float) -> int:
    """Return the step of a price, in units: a fifth significant digit, 0.01 at the most."""
    return max(1, int(10 ** min(math.floor(math.log10(price)) - 4, -2) * UNIT + 0.5))


def _lot(dollars: float) -> int:
    """Return the step of a quantity, in units: a power of ten worth one to ten dollars."""
    return max(1, int(10 ** -math.floor(math.log10(dollars)) * UNIT + 0.5))
