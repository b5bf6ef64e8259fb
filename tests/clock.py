"""A clock that stands still until a test moves it."""

from relay.clock import Clock


class SetClock(Clock):
    """Both readings move together, by `pass_by`; the wall's can also be set."""

    def __init__(self, wall_ms: int = 1_700_000_000_000) -> None:
        self.seconds = 0.0
        self.set_ms = wall_ms

    def pass_by(self, seconds: float) -> None:
        """So much time passes."""
        self.seconds += seconds
        self.set_ms += int(1000 * seconds)

    def monotonic(self) -> float:  # type: ignore[override]
        return self.seconds

    def wall_ns(self) -> int:  # type: ignore[override]
        return self.set_ms * 1_000_000
