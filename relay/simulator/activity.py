"""Activity: how often each symbol of the synthetic market trades, and when."""

import math
import random

#: The share that trades of its own accord if all are made to: as on a violent day.
_LIVELY = 0.45

#: Trades in a second, of the symbol traded most.
_MOST_TRADES = 25.0


class Activity:
    """Draws who trades, by rank, so that the wanted share of symbols trades in a second.

    A share of 1 makes every symbol trade at least once.
    """

    def __init__(self, symbols: int, share: float, seed: int) -> None:
        self._chance = random.Random(seed)
        self._least = int(share >= 1)
        self._drawn = _rates(symbols, _LIVELY if self._least else share)

    @property
    def rates(self) -> list[float]:
        """Trades per second, by rank."""
        return [max(rate, self._least) for rate in self._drawn]

    def add(self, rate: float) -> int:
        """Let one more symbol trade, so many times a second; return its rank."""
        self._drawn.append(rate)
        return len(self._drawn) - 1

    def second(self) -> list[int]:
        """Return the ranks of those who trade in a second, once for each trade."""
        drawn: list[int] = []
        for rank, rate in enumerate(self._drawn):
            drawn += [rank] * max(_poisson(self._chance, rate), self._least)
        return drawn

    def slices(self, count: int) -> list[list[int]]:
        """Return the same for each of so many slices of a second."""
        slices: list[list[int]] = [[] for _ in range(count)]
        for rank in self.second():
            slices[int(self._chance.random() * count)].append(rank)
        return slices


def _rates(symbols: int, activity: float) -> list[float]:
    """Return trades per second by rank, so that the wanted share of symbols has at least one.

    How often a symbol trades falls off with its rank, as on Binance, where the first tenth has most
    of the trades.
    """
    weights = [(rank + 1) ** -0.7 for rank in range(symbols)]
    low, high = 0.0, 1e4
    for _ in range(50):
        middle = (low + high) / 2
        share = sum(1 - math.exp(-min(middle * w, _MOST_TRADES)) for w in weights) / symbols
        low, high = (middle, high) if share < activity else (low, middle)
    scale = min(high, 1e3)
    return [min(scale * w, _MOST_TRADES) for w in weights]


def _poisson(chance: random.Random, rate: float) -> int:
    count, left = 0, math.exp(-rate)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count
