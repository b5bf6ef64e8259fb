"""Own: the candles that the listener made, as one worker reads them.

Minutes make every interval below an hour, hours the others. The hours of late may not be kept yet: their
minutes stand in for them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from relay.batch import Unreadable
from relay.candle import HOUR, MINUTE, Candle
from relay.history import block
from relay.history.block import HOURS, MINUTES, Span
from relay.history.cache import Cache
from relay.history.merge import aggregated, total
from relay.history.row import ROW_BYTES, Rows, of_relay
from relay.store.contract import Archive
from relay.turn import stand_in_line

_DAY = 24 * HOUR
#: Blocks that are read at a time.
_BLOCKS_PER_READ = 64
#: Blocks that are decoded between two turns of everything else: about 1 ms of work.
_BLOCKS_PER_TURN = 8


class View(NamedTuple):
    """Of what, and when, own candles are asked for."""

    simulated: bool
    symbol: str
    #: Seconds since 1970, by the listener's clock.
    now: int
    #: The newest candles of the symbol, which the board holds; they win over what is kept.
    newest: Sequence[Candle]

    def within(self, start: int, length: int) -> list[Candle]:
        """The newest ones that open within so many seconds from `start`."""
        return [candle for candle in self.newest if start <= candle.time < start + length]


class Own:
    """Reads blocks from the archive, and keeps the rows that it made of closed ones."""

    def __init__(
        self, archive: Archive, minutes_hours: int, hours_days: int, most_bytes: int
    ) -> None:
        """Minutes are kept for so many hours, hours for so many days; 0 for not at all."""
        self._archive = archive
        self._kept_seconds = {MINUTES: minutes_hours * HOUR, HOURS: hours_days * _DAY}
        self._cache: Cache[Rows] = Cache(most_bytes)

    def makes(self, seconds: int) -> bool:
        """Whether there are own candles of so many seconds at all."""
        return seconds >= MINUTE and self._kept_seconds[_span(seconds)] > 0

    def rows(self, view: View, seconds: int, times: Sequence[int]) -> Rows:
        """The candles of so many seconds that open at these times, and perhaps some beside them.

        Raises StoreUnavailable.
        """
        span = _span(seconds)
        rows: Rows = {}
        unknown = []
        fresh = self._fresh(view, span)
        for start in self._starts(span, view, times):
            kept = self._cache.get((span.name(view.simulated, view.symbol, start), seconds))
            if kept is None or start in fresh:
                unknown.append(start)
            else:
                rows |= kept
        for number, (start, data, candles) in enumerate(self._read(span, view, unknown, fresh), 1):
            if number % _BLOCKS_PER_TURN == 0:
                stand_in_line()
            made = {c.time * 1000: of_relay(c) for c in aggregated(candles, seconds)}
            rows |= made
            if data is not None and block.is_closed(data) and start not in fresh:
                name = span.name(view.simulated, view.symbol, start)
                self._cache.put((name, seconds), made, 1000 + ROW_BYTES * len(made))
        return rows

    def since(self, view: View, seconds: int, start: int, until: int) -> Candle | None:
        """What we have seen of the candle of so many seconds that opens at `start`, from `until` on, and
        perhaps from a little earlier. None for nothing. Raises StoreUnavailable."""
        span = _span(seconds)
        end = start + seconds
        first = max(start, until // span.seconds * span.seconds)
        starts = self._starts(span, view, range(first, end, span.seconds))
        read = self._read(span, view, starts, self._fresh(view, span))
        return total(c for _, _, candles in read for c in candles if first <= c.time < end)

    def _fresh(self, view: View, span: Span) -> set[int]:
        """Where the blocks begin that the present, or one of the newest candles, may yet change."""
        times = [view.now, view.now - HOUR, *(candle.time for candle in view.newest)]
        return {time // span.length * span.length for time in times}

    def _starts(self, span: Span, view: View, times: Sequence[int]) -> list[int]:
        """When the blocks begin that hold these times, as far back as they are kept."""
        earliest = view.now - self._kept_seconds[span]
        # The exchange's clock may be ahead of ours.
        latest = max([view.now, *(candle.time for candle in view.newest)])
        starts = {time // span.length * span.length for time in times}
        return sorted(
            start for start in starts if earliest < start + span.length and start <= latest
        )

    def _read(
        self, span: Span, view: View, starts: list[int], fresh: set[int]
    ) -> list[tuple[int, bytes | None, list[Candle]]]:
        """For each start its block, and the candles of it and of the newest together."""
        found = []
        values = self._values(span, view, starts)
        minutes = self._late_hours(view, starts) if span is HOURS else {}
        for start, data in zip(starts, values, strict=True):
            candles = {} if data is None else _candles(span, start, data)
            if span is MINUTES and start in fresh:
                candles |= {c.time: c for c in view.within(start, span.length)}
            for hour, late in minutes.items():
                if start <= hour < start + span.length:
                    kept = candles.get(hour)
                    if kept is None or kept.updates <= late.updates:
                        candles[hour] = late
            found.append((start, data, [candles[time] for time in sorted(candles)]))
            if len(found) % _BLOCKS_PER_TURN == 0:
                stand_in_line()
        return found

    def _late_hours(self, view: View, days: list[int]) -> dict[int, Candle]:
        """The hours of these days that may not be kept yet, or not as they are now, made of minutes."""
        hours = sorted(hour for hour in self._fresh(view, MINUTES) if hour // _DAY * _DAY in days)
        read = self._read(MINUTES, view, hours, set(hours))
        late = [candle for _, _, candles in read for candle in aggregated(candles, HOUR)]
        return {candle.time: candle for candle in late}

    def _values(self, span: Span, view: View, starts: list[int]) -> list[bytes | None]:
        names = [span.name(view.simulated, view.symbol, start) for start in starts]
        values: list[bytes | None] = []
        for at in range(0, len(names), _BLOCKS_PER_READ):
            values += self._archive.read(names[at : at + _BLOCKS_PER_READ])
        return values


def _span(seconds: int) -> Span:
    return MINUTES if seconds < HOUR else HOURS


def _candles(span: Span, start: int, data: bytes) -> dict[int, Candle]:
    """The candles of a block by their time; none where it cannot be read."""
    try:
        return {candle.time: candle for candle in block.candles(span, start, data)}
    except Unreadable:
        return {}
