"""Pause: how long the hub waits after a pass, which pays only where the CPU is short.

What comes during a pause shares one send for each client: a send carries more, instead of there being more
sends. At 1,000 clients and 100 updates a second that gave 1.8 times the deliveries for each second of CPU.
With CPU to spare it gains nothing and costs latency.
"""

from relay.clock import Clock

#: A pass that took less than this, in seconds, is not worth a pause.
LONG_PASS_SECONDS = 0.001
#: The longest pause, in seconds.
MAX_SECONDS = 0.02
#: Two values of `demand`. Up to the first there is no pause; from the second on a pause is as long as the
#: pass before it.
SPARE, SHORT = 0.85, 1.05
#: Seconds over which that share is averaged.
AVERAGE_SECONDS = 0.5


class Pause:
    """Watches how much of the time passes take, and would take."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = clock.monotonic()
        #: The share of the time that passes would take if each batch had its own.
        self.demand = 0.0

    def after(self, took: float, batches: int) -> float:
        """Seconds to wait after a pass that took `took` seconds and carried so many batches."""
        now = self._clock.monotonic()
        elapsed = max(now - self._ended, took, 1e-6)
        self._ended = now
        weight = min(elapsed / AVERAGE_SECONDS, 1.0)
        self.demand += (took * max(batches, 1) / elapsed - self.demand) * weight
        if took < LONG_PASS_SECONDS:
            return 0.0
        shortage = (self.demand - SPARE) / (SHORT - SPARE)
        return min(took * min(max(shortage, 0.0), 1.0), MAX_SECONDS)
