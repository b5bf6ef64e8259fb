"""Pause: how long the hub rests after a pass, which is worth it only where the CPU is short.

What comes during a pause shares one send for each client. Under load a send so carries more, instead of
there being more of them: at 1,000 clients and 100 updates a second that gave 1.8 times the deliveries for
each second of CPU. With CPU to spare it would cost latency and gain nothing.
"""

from relay.clock import Clock

#: A pass that took less than this, in seconds, is not worth a pause.
LONG_PASS_SECONDS = 0.001
#: The longest pause, in seconds.
MAX_SECONDS = 0.02
#: Shares of the time that passes take: below the first there is no pause, from the second on it is as long
#: as the pass.
IDLE, BUSY = 0.55, 0.85
#: Seconds over which the share is averaged.
AVERAGE_SECONDS = 0.5


class Pause:
    """Watches what share of the time passes take."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = clock.monotonic()
        self._busy = 0.0

    def after(self, took: float) -> float:
        """Seconds to pause after a pass of `took` seconds."""
        now = self._clock.monotonic()
        elapsed = max(now - self._ended, took, 1e-6)
        self._ended = now
        weight = min(elapsed / AVERAGE_SECONDS, 1.0)
        self._busy += (min(took / elapsed, 1.0) - self._busy) * weight
        if took < LONG_PASS_SECONDS:
            return 0.0
        share = min(max((self._busy - IDLE) / (BUSY - IDLE), 0.0), 1.0)
        return min(took * share, MAX_SECONDS)
