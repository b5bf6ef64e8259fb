"""Complaint: something that strangers can make happen at will, and that is logged once a minute at most."""

import logging
import time
from collections.abc import Callable

#: Seconds between two lines.
QUIET_SECONDS = 60.0


class Complaint:
    """Counts what happens; says it when it happens first, and how often since with each further line."""

    def __init__(
        self,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        level: int = logging.WARNING,
    ) -> None:
        """`clock()` is in seconds and never goes back."""
        self._log = log
        self._level = level
        self._clock = clock
        self._said_at = -QUIET_SECONDS
        self._unsaid = 0
        #: How often it has happened.
        self.times = 0

    def make(self, text: str, *args: object) -> None:
        """It has happened. `text` and `args` are as logging takes them."""
        self.times += 1
        now = self._clock()
        if now - self._said_at < QUIET_SECONDS:
            self._unsaid += 1
            return
        since = f" ({self._unsaid} more since the last line)" if self._unsaid else ""
        self._said_at = now
        self._unsaid = 0
        self._log.log(self._level, f"{text}{since}", *args)
