"""Weight: what REST calls cost in a minute, and what comes to those who spend too much."""

import math
import time
from typing import Any

from relay.simulator.answer import Answer
from relay.simulator.faults import refusal

#: Calls that are refused with 429, one after the other, before 418 bans whoever goes on.
_PATIENCE = 5

#: Seconds of a ban, of which Binance's shortest lasts as long.
_BAN = 120.0


class Weight:
    """Counts up to a limit in each minute of the clock. All clients count as one."""

    def __init__(self, limit: int = 6000) -> None:
        self.limit = limit
        self._minute = 0
        self._used = 0
        self._refused = 0
        self._banned_until = 0.0  # seconds since 1970

    @property
    def used(self) -> int:
        """What has been spent in the running minute."""
        return self._used if self._minute == int(time.time() // 60) else 0

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Change the limit, or what counts as spent; a ban is over."""
        self._refused, self._banned_until = 0, 0.0
        self.limit = self.limit if limit is None else limit
        if used is not None:
            self._minute, self._used = int(time.time() // 60), used

    def ban(self) -> Answer | None:
        """Return what a banned client is told; None while there is no ban."""
        left = self._banned_until - time.time()
        return refusal(418, math.ceil(left)) if left > 0 else None

    def spend(self, weight: int) -> Answer | None:
        """Count a call; return why it is refused, if it is. What is refused costs nothing."""
        now, used = time.time(), self.used
        if used + weight <= self.limit:
            self._minute, self._used, self._refused = int(now // 60), used + weight, 0
            return None
        self._refused += 1
        if self._refused <= _PATIENCE:
            return refusal(429, math.ceil(60 - now % 60))
        self._refused, self._banned_until = 0, now + _BAN
        return self.ban()

    def shown(self) -> dict[str, Any]:
        """Return what /simulator/status shows."""
        banned = max(0.0, round(self._banned_until - time.time(), 3))
        return {"used_weight": self.used, "weight_limit": self.limit, "banned_seconds": banned}
