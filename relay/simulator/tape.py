"""Tape: the trades that a symbol really had since the simulator started."""

from bisect import bisect_left
from collections.abc import MutableSequence

from relay.simulator.bar import Bar, merge
from relay.simulator.division import divide
from relay.simulator.rows import Rows, column

#: What is kept: an hour of trades, a day of minutes, and 90 days of hours.
_SECONDS = 3_600
_MINUTES = 1_440
_HOURS = 90 * 24


class Tape:
    """Every trade of the last hour at least, the minutes of a day, and hours.

    A minute whose trades are gone is divided into seconds, an hour whose minutes are gone into
    minutes: no longer what they were, but together exactly that minute and that hour.
    """

    def __init__(self, since: int, scale: float, code: str | None = "I") -> None:
        """`since`: seconds; no trade is older. `scale`: what one lot costs at one tick.

        `code`: how prices in ticks and volumes in lots are packed; see `rows.column`.
        """
        self.since = since
        self._scale = scale
        self._seconds = column(code and "I")
        self._prices = column(code)
        self._volumes = column(code)
        self._quotes = column(code and "q")  # negative if the taker sold
        self._counts = column(code and "I")
        self._minutes = Rows(code)
        self._hours = Rows(code)
        self._seconds_since = self._minutes_since = since
        self._divided: tuple[str, list[Bar | None]] = ("", [])

    def add(
        self, second: int, price: int, volume: int, quote: int, *, bought: bool, count: int = 1
    ) -> None:
        """Add a trade (or several at one price), with the time in seconds.

        One that comes late counts at the time of the newest that came before it.
        """
        if self._seconds and second < self._seconds[-1]:
            second = self._seconds[-1]
        minute = second // 60
        if self._minutes.numbers and self._minutes.numbers[-1] != minute:
            self._collapse(second)
        self._seconds.append(second)
        self._prices.append(price)
        self._volumes.append(volume)
        self._quotes.append(quote if bought else -quote)
        self._counts.append(count)
        taken = (volume, quote) if bought else (0, 0)
        self._minutes.add(minute, Bar(price, price, price, price, volume, quote, count, *taken))

    def bar(self, start: int, end: int) -> Bar | None:
        """Return what was traded between two times in seconds.

        If one of them is within a minute, both must be in the same one.
        """
        start = max(start, self.since)
        if end <= start:
            return None
        if end % 60 or (start % 60 and start != self.since):
            return self._of_seconds(start, end)
        first, last = start // 60, end // 60
        since = self._minutes_since // 60
        recent = self._minutes.bar(max(first, since), last)
        return (
            recent if first >= since else merge([self._of_hours(first, min(last, since)), recent])
        )

    def price(self, before: int) -> int | None:
        """Return the price of the last trade before a time in seconds; None if there was none."""
        minute = before // 60 * 60
        bar = self.bar(minute, before)
        if bar is not None:
            return bar.close
        recent = self._minutes.last(minute // 60) if minute > self._minutes_since else None
        if recent is not None:
            return recent
        hour = minute // 3600
        bar = self._of_hours(hour * 60, minute // 60)
        return self._hours.last(hour) if bar is None else bar.close

    def _of_seconds(self, start: int, end: int) -> Bar | None:
        if start < self._seconds_since:
            minute = start // 60
            first = max(minute * 60, self.since)
            whole = self.bar(first, minute * 60 + 60)
            parts = self._parts(whole, minute * 60 + 60 - first, f"seconds {minute}")
            return merge(parts[start - first : end - first])
        first, last = bisect_left(self._seconds, start), bisect_left(self._seconds, end)
        if first == last:
            return None
        prices, quotes = self._prices[first:last], self._quotes[first:last]
        volumes = self._volumes[first:last]
        bought = [v for v, q in zip(volumes, quotes, strict=True) if q > 0]
        return Bar(
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(volumes),
            sum(map(abs, quotes)),
            sum(self._counts[first:last]),
            sum(bought),
            sum(q for q in quotes if q > 0),
        )

    def _of_hours(self, first: int, last: int) -> Bar | None:
        """Return what was traded from one minute up to another, of hours whose minutes are gone."""
        bars = []
        while first < last:
            hour = first // 60
            if first % 60 == 0 and first + 60 <= last:
                bars.append(self._hours.bar(hour, hour + (last - first) // 60))
                first += (last - first) // 60 * 60
                continue
            begin = max(hour * 60, self.since // 60)
            parts = self._parts(
                self._hours.bar(hour, hour + 1), hour * 60 + 60 - begin, f"minutes {hour}"
            )
            until = min(last, hour * 60 + 60)
            bars += parts[first - begin : until - begin]
            first = until
        return merge(bars)

    def _parts(self, bar: Bar | None, parts: int, key: str) -> list[Bar | None]:
        if self._divided[0] != key:
            self._divided = key, divide(bar, parts, key, self._scale)
        return self._divided[1]

    def _collapse(self, now: int) -> None:
        """Forget the trades and minutes that are too old, at the begin of a minute."""
        since = now // 60 * 60 - _SECONDS
        if self._seconds and self._seconds[0] < since:
            gone = bisect_left(self._seconds, since)
            for values in self._columns():
                del values[:gone]
            self._seconds_since = since
        since = now // 3600 - _MINUTES // 60
        while self._minutes.numbers[0] // 60 < since:
            hour = self._minutes.numbers[0] // 60
            bar = self._minutes.bar(hour * 60, hour * 60 + 60)
            assert bar is not None  # noqa: S101 - its first minute has trades
            self._hours.add(hour, bar)
            self._minutes.drop(hour * 60 + 60)
            self._minutes_since = since * 3600
            if not self._minutes:
                break
        self._hours.drop(since - _HOURS)

    def _columns(self) -> tuple[MutableSequence[int], ...]:
        return self._seconds, self._prices, self._volumes, self._quotes, self._counts
