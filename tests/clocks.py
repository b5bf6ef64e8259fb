"""A clock that a test sets."""

from relay.clock import Clock


class SetClock(Clock):
    """Stands still until it is told otherwise."""

    def __init__(self, monotonic: float = 1000.0, wall_ms: int = 1_700_000_000_000) -> None:
        self._monotonic = monotonic
        self._wall_ns = wall_ms * 1_000_000

    def monotonic(self) -> float:  # type: ignore[override]
        return self._monotonic

    def wall_ns(self) -> int:  # type: ignore[override]
        return self._wall_ns

    def advance(self, seconds: float) -> None:
        """Both readings go on."""
        self._monotonic += seconds
        self._wall_ns += int(seconds * 1e9)

    def set_wall(self, wall_ms: int) -> None:
        """Somebody sets the clock."""
        self._wall_ns = wall_ms * 1_000_000
