"""Minutes: candles by the minute that they are of.

A minute has thousands of them, and is found and forgotten as a whole.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from relay.candle import Candle


class Closed(NamedTuple):
    """Whose candle it is, and of when."""

    simulated: bool
    symbol: str
    #: Seconds since 1970.
    time: int


class Minutes:
    """Candles, the oldest minute first."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[Closed, Candle]] = {}
        self._number = 0

    def __len__(self) -> int:
        """How many candles there are."""
        return self._number

    def __contains__(self, closed: Closed) -> bool:
        return closed in self._minutes.get(closed.time, {})

    def __iter__(self) -> Iterator[tuple[Closed, Candle]]:
        for time in sorted(self._minutes):
            yield from self._minutes[time].items()

    def has(self, time: int) -> bool:
        """Whether there is any candle of this minute."""
        return time in self._minutes

    def after(self, time: int) -> list[int]:
        """The minutes that begin later, and of which there is any candle."""
        return [minute for minute in self._minutes if minute > time]

    def get(self, closed: Closed) -> Candle | None:
        """The candle, or None."""
        return self._minutes.get(closed.time, {}).get(closed)

    def first(self, most: int) -> list[tuple[Closed, Candle]]:
        """The oldest ones, so many at most."""
        return list(islice(self, most))

    def put(self, closed: Closed, candle: Candle) -> None:
        """Takes a candle in, in place of the one that there may be."""
        minute = self._minutes.setdefault(closed.time, {})
        self._number += closed not in minute
        minute[closed] = candle

    def drop(self, closed: Closed) -> None:
        """Forgets a candle, if it is there."""
        minute = self._minutes.get(closed.time, {})
        if minute.pop(closed, None) is not None:
            self._number -= 1
            if not minute:
                del self._minutes[closed.time]

    def drop_one(self) -> None:
        """Forgets a candle of the oldest minute."""
        self.drop(next(reversed(self._minutes[min(self._minutes)])))

    def keep_seconds(self, seconds: int, now: int) -> None:
        """Forgets the minutes that began more than so many seconds before the latest one, or before now if
        that is earlier: a time may be wrong, and far ahead."""
        if self._minutes:
            earliest = min(max(self._minutes), now) - seconds
            for time in [time for time in self._minutes if time < earliest]:
                self._forget(time)

    def keep_minutes(self, number: int, most: int) -> None:
        """Forgets all but the latest minutes, so many of them and so many candles in all at most."""
        while len(self._minutes) > number or self._number > most:
            self._forget(min(self._minutes))

    def clear(self) -> None:
        """Forgets all of them."""
        self._minutes, self._number = {}, 0

    def _forget(self, time: int) -> None:
        self._number -= len(self._minutes.pop(time))
