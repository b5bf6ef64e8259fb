"""Chronicle: keeps every minute that is over, and makes hours of minutes.

It works beside the writer, and never in its way: an archive that is slow, full or away costs nothing but
time, and candles wait for it in relay.ingest.candles. Whoever does not lead keeps nothing.
"""

import logging
from functools import reduce

import gevent
import msgspec

from relay.backoff import Backoff
from relay.batch import Unreadable
from relay.candle import HOUR, Candle, joined
from relay.clock import SYSTEM, Clock
from relay.history.block import HOURS, MINUTES, Span, block, candles, offset, record
from relay.ingest.candles import Candles
from relay.ingest.minutes import Closed
from relay.store.contract import Keeper, LeaseHeld, Patch, StoreUnavailable

log = logging.getLogger(__name__)

#: Seconds between two looks for minutes that are over. Each is kept long before a third one begins: until
#: then it travels with its symbol's ticker.
SAVE_SECONDS = 1.0
#: Seconds from the end of an hour until its minutes are closed: by then the last of them is kept.
CLOSE_SECONDS = 90
#: Hours that are looked at again after a time without a listener.
MAX_HOURS_BEHIND = 24
#: Seconds of minutes that a standby keeps at hand: more than it takes to notice that nobody leads.
STANDBY_SECONDS = 900
#: Seconds between two symbols whose hour is closed, which takes about a millisecond: prices come first.
PAUSE_SECONDS = 0.005
#: Seconds until it is tried again after something that nobody foresaw.
_UNFORESEEN_SECONDS = 30.0
#: Candles that are kept at a time, which takes about a millisecond, and seconds between two such times.
_PART, _PART_PAUSE_SECONDS = 100, 0.02
#: Seconds that the note is kept which says up to where hours are closed.
_NOTE_SECONDS = 30 * 86_400
_NOTE_DIGITS = 12


class Chronicle:
    """Keeps the candles of one listener."""

    def __init__(
        self, made: Candles, keeper: Keeper, minutes: int, hours: int, clock: Clock = SYSTEM
    ) -> None:
        """`minutes`, `hours`: for how many seconds candles of a minute and of an hour are kept; 0 is not
        at all."""
        self._made = made
        self._keeper = keeper
        self._seconds = {
            MINUTES: max(minutes, 2 * HOUR) + MINUTES.length,
            HOURS: hours + HOURS.length,
        }
        self._keeps_hours = hours > 0
        self._clock = clock
        # Whose hours may have to be closed, real and simulated.
        self._symbols: dict[bool, set[str]] = {False: set(), True: set()}
        # The last hour that is closed for sure.
        self._closed: dict[bool, int] = {}
        # When minutes were kept last, by the monotonic clock.
        self._saved = clock.monotonic()
        self._backoff = Backoff(first=0.5, cap=3.0)
        #: Nothing, or why candles are not kept at present.
        self.problem = ""

    def run(self) -> None:
        """Keeps for ever, whatever happens. Needs a greenlet of its own."""
        while True:
            try:
                wait = self.work()
            except Exception as error:  # it supervises: no candle is worth a price
                log.exception("candles are not kept")
                self.problem = f"candles are not kept: {type(error).__name__}"
                wait = _UNFORESEEN_SECONDS
            gevent.sleep(wait)

    def work(self) -> float:
        """Keeps what waits, closes hours that are over; seconds until there may be more to do."""
        try:
            self._save()
            for simulated, symbols in self._symbols.items():
                if simulated == self._made.simulated():
                    symbols.update(self._made.symbols())
                if symbols:
                    self._close_hours(simulated)
        except LeaseHeld:
            self._made.forget(STANDBY_SECONDS)
            self._succeed()
            return SAVE_SECONDS
        except StoreUnavailable as error:
            if not self.problem:
                log.warning("candles cannot be kept at present: %s", error.logged)
            self.problem = f"candles cannot be kept: {error}"[:200]
            return max(SAVE_SECONDS, self._backoff.next())
        self._succeed()
        return SAVE_SECONDS

    def _succeed(self) -> None:
        if self.problem:
            log.info("candles are kept again")
        self.problem = ""
        self._backoff.reset()

    def _save_if_due(self) -> None:
        """Amid the closing of an hour, which takes minutes where there are thousands of symbols."""
        if self._clock.monotonic() - self._saved >= SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        self._made.end_minutes()
        while part := self._made.unsaved(_PART):
            self._write(MINUTES, part)
            self._made.saved(part)
            for closed, _ in part:
                self._symbols[closed.simulated].add(closed.symbol)
            gevent.sleep(_PART_PAUSE_SECONDS)
        self._saved = self._clock.monotonic()

    def _write(self, span: Span, part: list[tuple[Closed, Candle]]) -> None:
        patches = [
            Patch(
                span.name(closed.simulated, closed.symbol, candle.time),
                offset(span, candle.time),
                record(candle),
                self._seconds[span],
            )
            for closed, candle in part
        ]
        over = set(self._keeper.patch(patches))
        if over:
            late = [each for each, patch in zip(part, patches, strict=True) if patch.name in over]
            for closed, candle in late:
                self._add_to_closed(span, closed, candle)

    def _add_to_closed(self, span: Span, closed: Closed, candle: Candle) -> None:
        """A candle comes when its block is closed already."""
        kept = self._read(span, closed.simulated, closed.symbol, candle.time)
        kept = [each for each in kept if each.time != candle.time]
        self._put(span, closed, sorted([*kept, candle], key=lambda each: each.time))
        if span is MINUTES:
            self._close_hour(closed.simulated, closed.symbol, candle.time // HOUR * HOUR)

    def _close_hours(self, simulated: bool) -> None:
        """Closes every hour that is over and is not closed yet, and the day that is over with it."""
        last = (self._clock.wall_ms() // 1000 - CLOSE_SECONDS) // HOUR - 1
        if last == self._closed.get(simulated):
            return
        note = f"closed/{'simulated' if simulated else 'real'}"
        noted = self._keeper.read([note])[0] or b""
        closed = int(noted) if noted.isdigit() and len(noted) < _NOTE_DIGITS else last - 1
        symbols, self._symbols[simulated] = self._symbols[simulated], set()
        try:
            for hour in range(max(closed, last - MAX_HOURS_BEHIND) + 1, last + 1):
                for symbol in sorted(symbols):
                    self._close_hour(simulated, symbol, hour * HOUR)
                    if (hour + 1) * HOUR % HOURS.length == 0:
                        self._close_day(simulated, symbol, hour * HOUR)
                    self._save_if_due()
                    gevent.sleep(PAUSE_SECONDS)
                self._keeper.put(note, str(hour).encode(), _NOTE_SECONDS)
        except Exception:
            self._symbols[simulated] |= symbols
            raise
        self._closed[simulated] = last

    def _close_hour(self, simulated: bool, symbol: str, time: int) -> None:
        """Deflates an hour of minutes, and makes a candle of it."""
        minutes = self._read(MINUTES, simulated, symbol, time)
        if not minutes:
            return
        self._put(MINUTES, Closed(simulated, symbol, time), minutes)
        if not self._keeps_hours:
            return
        hour = msgspec.structs.replace(reduce(joined, minutes), time=time)
        self._write(HOURS, [(Closed(simulated, symbol, time), hour)])

    def _close_day(self, simulated: bool, symbol: str, time: int) -> None:
        """Deflates a day of hours."""
        hours = self._read(HOURS, simulated, symbol, time)
        if hours:
            self._put(HOURS, Closed(simulated, symbol, time), hours)

    def _read(self, span: Span, simulated: bool, symbol: str, time: int) -> list[Candle]:
        name = span.name(simulated, symbol, time)
        data = self._keeper.read([name])[0]
        if data is None:
            return []
        try:
            return candles(span, time, data)
        except Unreadable as error:
            log.warning("%s is none of ours: %s", name, error)
            return []

    def _put(self, span: Span, closed: Closed, kept: list[Candle]) -> None:
        name = span.name(closed.simulated, closed.symbol, closed.time)
        self._keeper.put(name, block(span, kept), self._seconds[span])
