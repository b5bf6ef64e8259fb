"""Past: puts the answer together that somebody wants to know of a symbol's history.

The exchange's word counts where it is known and final, else what we saw ourselves; where the exchange said
something of a candle that was still running, both. What nobody knows is absent.
"""

from typing import NamedTuple

from gevent.lock import BoundedSemaphore

from relay.clock import SYSTEM, Clock
from relay.history.own import Own, View
from relay.history.page import PAGE_CANDLES, PageName
from relay.history.pages import Known, Pages
from relay.history.row import Rows, of_both, of_running
from relay.history.supply import Supply
from relay.history.wish import Wish
from relay.kline import Kline
from relay.store.contract import StoreUnavailable
from relay.ticker import Ticker

#: Answers that are put together at a time. The others wait in their order: all at once, none would be done
#: before the last.
MAKINGS = 4
#: Seconds that an answer waits for the exchange's candles.
WAIT_SECONDS = 5.0
#: Seconds after which a page that lacks closed candles is demanded again.
TAIL_SECONDS = {"1s": 2.0}
_TAIL_SECONDS = 20.0
#: Seconds after which an answer waits for it, and for a running candle is demanded again as well.
OLD_SECONDS = 300.0
#: Seconds by which a candle of the board may be ahead of our time; of one that is further, the time is wrong.
AHEAD_SECONDS = 60
#: Seconds from the end of an interval until it counts as over: an update of it may still be on its way.
GRACE_SECONDS = 2


#: Why an answer is not complete which lacks candles that were over only after the exchange was asked.
NEWEST_MISSING = "the exchange's newest candles are not here yet"


class Found(NamedTuple):
    """What the exchange's pages say for a wish."""

    pages: dict[PageName, Known]
    #: Why some of them are missing; nothing where none is.
    reason: str


class Answer(NamedTuple):
    """The answer to a wish."""

    #: Rows as JSON texts, the oldest first; see row.FIELDS.
    rows: list[str]
    #: The times that were looked at: candles that open at or after the first, and before the second one;
    #: milliseconds since 1970. The limit counts intervals, so there may be none in a gap.
    looked_at: tuple[int, int]
    #: A candle that opens at or after this is still running: milliseconds since 1970.
    closed: int
    #: Why candles may be missing; nothing where they are not.
    reason: str
    #: Whether every candle is over and the exchange's, and none is missing: nothing will ever change.
    settled: bool


class Past:
    """Answers wishes from the archive, and demands what it lacks."""

    def __init__(self, pages: Pages, own: Own, supply: Supply, clock: Clock = SYSTEM) -> None:
        self._pages = pages
        self._own = own
        self._supply = supply
        self._clock = clock
        self._turn = BoundedSemaphore(MAKINGS)

    def find(self, wish: Wish, now: int) -> Found:
        """The exchange's pages for a wish at this time, in milliseconds. Waits up to WAIT_SECONDS for those
        that are missing; never raises for want of them."""
        times = wish.times(now)
        names = wish.pages(times)
        if not names:
            return Found({}, "")
        began = self._clock.monotonic()
        try:
            with self._turn:
                pages, lacking = self._look(wish, times, now)
        except StoreUnavailable as error:
            return Found(self._pages.held(names), f"the store cannot be read: {error}")
        awaited = [str(name) for name, waits in lacking.items() if waits]
        posted = [str(name) for name, waits in lacking.items() if not waits]
        if posted:
            self._supply.post(posted)
        if not awaited:
            return Found(pages, "")
        seconds = WAIT_SECONDS - (self._clock.monotonic() - began)
        # What somebody asks for of long ago is not to keep others from the present.
        is_late = times.stop >= now // 1000 - PAGE_CANDLES * wish.seconds
        reason = self._supply.ask(awaited, round(seconds, 1), urgent=is_late)
        try:
            with self._turn:
                return Found(self._pages.read(names, anew=True), reason)
        except StoreUnavailable as error:
            return Found(pages, f"the store cannot be read: {error}")

    def renew(self, wish: Wish, found: Found, now: int) -> Found:
        """The same, with the newest candles that the exchange has. Waits up to WAIT_SECONDS."""
        growing = [str(name) for name, page in found.pages.items() if page.until < 1000 * name.end]
        reason = self._supply.ask(growing, WAIT_SECONDS)
        try:
            with self._turn:
                pages = self._pages.read(wish.pages(wish.times(now)), anew=True)
                return Found(pages, reason)
        except StoreUnavailable as error:
            return found._replace(reason=f"the store cannot be read: {error}")

    def _look(
        self, wish: Wish, times: range, now: int
    ) -> tuple[dict[PageName, Known], dict[PageName, bool]]:
        """The pages that there are, and those that have to be demanded. Raises StoreUnavailable."""
        names = wish.pages(times)
        pages = self._pages.read(names)
        lacking = self._lacking(wish, times, pages, now)
        if any(name in pages for name in lacking):
            # Somebody else may have had it renewed.
            pages = self._pages.read(names, anew=True)
            lacking = self._lacking(wish, times, pages, now)
        return pages, lacking

    def answer(self, wish: Wish, found: Found, ticker: Ticker | None, now: int) -> Answer:
        """The candles that are wanted, with what the board holds of the symbol at this time, in
        milliseconds: it is looked at after `find`, and before what is kept is read."""
        view = _view(wish, ticker, now)
        latest = max([now, *(1000 * candle.time for candle in view.newest)])
        wanted = wish.times(latest)
        times = [1000 * time for time in wanted]
        theirs: Rows = {}
        for page in found.pages.values():
            theirs |= page.final
        lacking = [time for time in times if time not in theirs]
        reason = found.reason
        try:
            with self._turn:
                ours = self._ours(wish, view, ticker, found, lacking)
        except StoreUnavailable as error:
            ours = _as_they_are(found)
            reason = reason or f"the store cannot be read: {error}"
        rows = ours | theirs
        shown = [time for time in times if time in rows]
        length = 1000 * wish.seconds
        over = max([now - 1000 * GRACE_SECONDS, *(1000 * candle.time for candle in view.newest)])
        reason = reason or self._missing(wish, found, rows, times, over)
        known = [time + length for time in shown[-2:] if time in theirs]
        closed = max([over // length * length, *known])
        settled = (
            not reason
            and 1000 * wanted.stop <= closed
            and _covers(wish, found, wanted)
            and all(time in theirs for time in shown)
        )
        looked_at = (1000 * wanted.start, 1000 * wanted.stop)
        return Answer([rows[time] for time in shown], looked_at, closed, reason, settled)

    def _missing(self, wish: Wish, found: Found, rows: Rows, times: list[int], over: int) -> str:
        """Why candles that are over are not whole here, or nothing."""
        if not all(page.whole for page in found.pages.values()):
            return "some of the exchange's candles make no sense, and are left out"
        length = 1000 * wish.seconds
        makes = self._own.makes(wish.seconds)
        for name, page in found.pages.items():
            first = max(page.until - length + 1, 1000 * name.start)
            late = [t for t in times if first <= t < 1000 * name.end and t + length <= over]
            if any(time not in rows or not makes for time in late):
                return NEWEST_MISSING
        return ""

    def _lacking(
        self, wish: Wish, times: range, pages: dict[PageName, Known], now: int
    ) -> dict[PageName, bool]:
        """The pages that have to be demanded, and whether to wait for each."""
        over = (now // 1000 - GRACE_SECONDS) // wish.seconds * wish.seconds
        makes = self._own.makes(wish.seconds)
        tail = TAIL_SECONDS.get(wish.interval, _TAIL_SECONDS)
        lacking = {}
        for name in wish.pages(times):
            page = pages.get(name)
            if page is None:
                lacking[name] = True
                continue
            age = (now - page.until) / 1000
            wanted_until = min(name.end, times.stop)
            if page.until < 1000 * min(wanted_until, over):
                if age >= tail:
                    lacking[name] = age >= OLD_SECONDS or not makes
            elif wanted_until > over and age >= (OLD_SECONDS if makes else tail):
                lacking[name] = age >= OLD_SECONDS and not makes
        return lacking

    def _ours(
        self, wish: Wish, view: View, ticker: Ticker | None, found: Found, lacking: list[int]
    ) -> Rows:
        """What we saw of the candles that are lacking, joined with what the exchange said while they ran."""
        if not self._own.makes(wish.seconds):
            return _as_they_are(found)
        if not lacking:
            return {}
        rows = self._own.rows(view, wish.seconds, [time // 1000 for time in lacking])
        for page in found.pages.values():
            if page.running is not None:
                row = self._both(wish, view, ticker, page.until, page.running)
                rows[page.running.time] = row
        return rows

    def _both(self, wish: Wish, view: View, ticker: Ticker | None, until: int, kline: Kline) -> str:
        since = self._own.since(view, wish.seconds, kline.time // 1000, until // 1000)
        if since is None:
            return of_running(kline)
        length = 1000 * wish.seconds
        is_newest = any(0 <= 1000 * c.time - kline.time < length for c in view.newest[-1:])
        said_later = ticker is not None and is_newest and _made(ticker) < until
        return of_both(kline, since, ours_is_later=not said_later)


def _view(wish: Wish, ticker: Ticker | None, now: int) -> View:
    newest = [] if ticker is None else ticker.candles
    latest = now // 1000 + AHEAD_SECONDS
    candles = [candle for candle in newest if candle.time <= latest]
    return View(wish.simulated, wish.symbol, now // 1000, candles)


def _as_they_are(found: Found) -> Rows:
    """The candles that were running, as the exchange said."""
    klines = (page.running for page in found.pages.values())
    return {kline.time: of_running(kline) for kline in klines if kline is not None}


def _covers(wish: Wish, found: Found, times: range) -> bool:
    """Whether the exchange has said its last word on all of these times."""
    names = wish.pages(times)
    return all(
        name in found.pages and found.pages[name].until >= 1000 * min(name.end, times.stop)
        for name in names
    )


def _made(ticker: Ticker) -> int:
    return ticker.received_time if ticker.event_time is None else ticker.event_time
