"""Backoff: how long to wait before trying again."""

import math
import random

#: More doublings than any cap is away from any first delay.
_MAX_DOUBLINGS = 32


class Backoff:
    """Delays that grow with each failure up to a cap, each drawn at random from zero to that.

    Full jitter, so that many who failed together do not come back together.
    """

    def __init__(self, first: float = 0.5, cap: float = 30.0) -> None:
        """`first` bounds the first delay, `cap` every delay; in seconds."""
        self._first = first
        self._cap = cap
        self.failures = 0

    def reset(self) -> None:
        """Forgets the failures: what was tried has worked."""
        self.failures = 0

    def next(self, most: float = math.inf) -> float:
        """Counts a failure; the seconds to wait now, this time `most` at most."""
        bound = min(self._cap, most, self._first * 2**self.failures)
        self.failures = min(self.failures + 1, _MAX_DOUBLINGS)
        return random.uniform(0, bound)
