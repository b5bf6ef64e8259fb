"""Clock: the one source of time. What judges prices, feeds and clients by time is handed a clock,
so that a test can set it. The server room and gevent's own waits read the machine's time themselves.
"""

import time
from functools import partial


class Clock:
    """The machine's time, as two readings that answer two questions."""

    #: Seconds since a fixed moment, for ages and deadlines. They never go back, and they count the time
    #: that a machine sleeps: Linux's CLOCK_BOOTTIME (clock_gettime(2)); macOS's CLOCK_MONOTONIC does too.
    monotonic = staticmethod(
        partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    )
    #: Nanoseconds since 1970, which other machines understand. They may jump, either way.
    wall_ns = staticmethod(time.time_ns)

    def wall_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.wall_ns() // 1_000_000


#: The clock of this machine.
SYSTEM = Clock()
