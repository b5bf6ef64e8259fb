"""Course: where a price is headed. A pure function of time, so that history can be asked for."""

import math
import random

#: Waves on a price: period in seconds, and how far each moves it (0.01 is one percent).
_WAVES = (
    (97.0, 0.0003),
    (613.0, 0.001),
    (4_021.0, 0.003),
    (21_601.0, 0.008),
    (93_001.0, 0.02),
    (777_001.0, 0.05),
    (5_200_001.0, 0.12),
)


class Course:
    """The price of one asset in US dollars: a base price and a few slow waves upon it.

    The same seed gives the same course, now and in the past. A pair's price is the quotient of two
    courses, so that ETHBTC is always ETHUSDT / BTCUSDT.
    """

    __slots__ = ("_waves", "base")

    def __init__(self, seed: str, base: float, restless: float = 1.0) -> None:
        self.base = base
        phase = random.Random(seed)
        self._waves = tuple(
            (math.tau / period, phase.uniform(0, math.tau), size * restless)
            for period, size in _WAVES
            if restless
        )

    def at(self, seconds: float) -> float:
        """Return the price at a time, in seconds since 1970."""
        total = 0.0
        for speed, phase, size in self._waves:
            total += size * math.sin(speed * seconds + phase)
        return self.base * math.exp(total)
