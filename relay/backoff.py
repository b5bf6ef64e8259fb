"""Backoff: how long to wait before trying again."""

from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_random_exponential


class Backoff:
    """Delays that grow with each failure up to a cap, each drawn at random from zero to that.

    Full jitter, so that many who failed together do not come back together.
    """

    def __init__(self, first: float = 0.5, cap: float = 30.0) -> None:
        """`first` bounds the first delay, `cap` every delay; in seconds."""
        self._wait = wait_random_exponential(multiplier=first / 2, max=cap)
        self.failures = 0

    def reset(self) -> None:
        """Forgets the failures: what was tried has worked."""
        self.failures = 0

    def next(self) -> float:
        """Counts a failure; the seconds to wait now."""
        self.failures = min(self.failures + 1, 32)
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = self.failures
        return self._wait(state)
