"""Weight: what we may still ask of one REST API of the exchange in this minute.

Binance gives an address 6,000 a minute for whatever runs there, and says with every answer how much of it
is spent (rest-api.md, limits: `X-MBX-USED-WEIGHT-1M`).
"""

from typing import NamedTuple

from relay.clock import Clock

#: What demands may bring the minute's sum to: half of Binance's limit. The catalogue's calls and those of
#: other programs behind the same address count.
MOST = 3_000
#: Seconds from our own turn of the minute until the exchange's has turned for sure: clocks differ. Where
#: they differ by more, the first answer after the turn tells that the old sum still stands.
LATE_SECONDS = 2
_MINUTE_MS = 60_000


class Spent(NamedTuple):
    """A call that was begun: in which minute, and its weight."""

    minute: int
    weight: int


class Weight:
    """The account of one API."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0
        # In this minute: what the exchange says, and our own sum of the calls that were answered.
        self._told = 0
        self._counted = 0
        # Begun and not answered, whenever that was: the exchange may count it in this minute.
        self._pending = 0
        self._banned_until = 0.0

    @property
    def used(self) -> int:
        """What is spent of this minute, as far as we know: never less than our own calls."""
        self._turn()
        return max(self._told, self._counted) + self._pending

    @property
    def banned(self) -> float:
        """Seconds for which nothing at all may be asked: it was said with a 429 or 418."""
        return max(0.0, self._banned_until - self._clock.monotonic())

    def wait(self, weight: int) -> float:
        """Seconds until a demand may spend so much; 0: now.

        What others spend is known from the first answer of a minute on; the calls that are begun before
        that are beyond this account.
        """
        if self.banned:
            return self.banned
        return self._left_of_minute() if self.used + weight > MOST else 0.0

    def spend(self, weight: int) -> Spent:
        """A call of this weight begins. To be settled, whatever becomes of it."""
        self._turn()
        self._pending += weight
        return Spent(self._minute, weight)

    def settle(self, spent: Spent, used: int | None) -> None:
        """It has ended. `used`: the minute's sum that the answer names, if there is one."""
        self._turn()
        self._pending -= spent.weight
        if spent.minute == self._minute:
            # An answer to a call of the minute before may tell of either minute.
            self._counted += spent.weight
            self._told = max(self._told, used or 0)

    def ban(self, seconds: float) -> None:
        """Nothing may be asked for so long."""
        self._banned_until = max(self._banned_until, self._clock.monotonic() + seconds)

    def _turn(self) -> None:
        """A minute begins anew; also where somebody sets the clock."""
        minute = self._time() // _MINUTE_MS
        if minute != self._minute:
            self._minute, self._told, self._counted = minute, 0, 0

    def _left_of_minute(self) -> float:
        return (_MINUTE_MS - self._time() % _MINUTE_MS) / 1000

    def _time(self) -> int:
        return self._clock.wall_ms() - LATE_SECONDS * 1000
