"""Allowance: how much a client may say, as a token bucket.

A client is not judged by when it is read: a worker that paused finds all that was said meanwhile at once.
So an empty bucket makes the client wait, and TCP holds it back. Only one that keeps the bucket empty for
long is refused.
"""

import time
from collections.abc import Callable

import gevent

from relay.server.common import Common

#: Seconds for which a client may keep its bucket empty without a break.
MAX_EMPTY_SECONDS = 30.0


class Overdrawn(Exception):
    """The bucket was empty for too long."""


class Allowance:
    """Units that a client may spend: `rate` a second, after a burst of a second's worth."""

    __slots__ = ("_clock", "_common", "_empty_since", "_full_at", "_pause", "_rate")

    def __init__(
        self,
        rate: float,
        *,
        common: Common | None = None,
        pause: Callable[[float], object] = gevent.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`common`: what it takes from as well, with others. `pause(seconds)` returns when they are over;
        `clock()` is in seconds and never goes back. What `pause` raises comes out of `spend`."""
        self._rate = rate
        self._common = common
        self._pause = pause
        self._clock = clock
        # When the bucket will be full again: it is empty while that is a second or more away.
        self._full_at = 0.0
        # When somebody had to wait first, of those that had to wait one after the other.
        self._empty_since: float | None = None

    def spend(self, units: int) -> None:
        """Wait until the bucket is not empty, then take the units, even if it holds fewer.

        Raises Overdrawn where the bucket has been empty for MAX_EMPTY_SECONDS without a break.
        """
        now = self._clock()
        missing = self._full_at - now - 1
        if missing <= 0:
            self._empty_since = None
        else:
            if self._empty_since is None:
                self._empty_since = now
            if now - self._empty_since >= MAX_EMPTY_SECONDS:
                raise Overdrawn
            self._pause(missing)
            now = self._clock()
        self._full_at = max(self._full_at, now) + units / self._rate
        if self._common is not None:
            self._common.spend(units, self._pause)
