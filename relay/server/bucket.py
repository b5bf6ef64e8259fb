"""Bucket: units that may be spent at a rate, with some at once (a token bucket)."""


class Bucket:
    """`burst` units at first, and `rate` more a second up to that. It keeps one number."""

    __slots__ = ("_full_at",)

    def __init__(self) -> None:
        # When it will be full again, by the caller's clock.
        self._full_at = 0.0

    def take(self, units: float, rate: float, burst: float, now: float) -> float:
        """Take the units and return 0; or, where they are not there, take nothing and return after how
        many seconds they will be. `units` is `burst` at most, `now` in seconds and never goes back."""
        full_at = max(self._full_at, now) + units / rate
        missing = full_at - now - burst / rate
        if missing > 0:
            return missing
        self._full_at = full_at
        return 0.0

    def left(self, rate: float, burst: float, now: float) -> float:
        """How many units are there."""
        return burst - max(0.0, self._full_at - now) * rate

    def is_full(self, now: float) -> bool:
        """Whether nothing was taken that has not come back."""
        return self._full_at <= now
