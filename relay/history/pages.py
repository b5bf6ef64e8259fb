"""Pages: what the exchange said, as one worker reads it, and when it has to be asked for again."""

from collections.abc import Sequence
from typing import NamedTuple

from relay.batch import Unreadable
from relay.clock import Clock
from relay.history.cache import Cache
from relay.history.interval import SECONDS
from relay.history.page import Page, PageName, decode_page
from relay.history.row import ROW_BYTES, Rows, of_exchange
from relay.kline import Kline
from relay.store.contract import Archive
from relay.turn import stand_in_line

#: Seconds that a page which still grows serves before it is read again.
READ_SECONDS = 5.0


class Known(NamedTuple):
    """A page, decoded."""

    #: As in Page.
    until: int
    #: The candles that are over and final.
    final: Rows
    #: The candle that was still running, if there was one.
    running: Kline | None
    #: As in Page: what is missing in one that is not whole may be said yet.
    whole: bool


class _Kept(NamedTuple):
    known: Known
    #: The bytes it was made of, unless it is final: then nobody reads it again.
    data: bytes
    #: When it was read, by the monotonic clock.
    time: float


class Pages:
    """Reads pages from the archive, and keeps what it decoded."""

    def __init__(self, archive: Archive, clock: Clock, most_bytes: int) -> None:
        self._archive = archive
        self._clock = clock
        self._cache: Cache[_Kept] = Cache(most_bytes)

    def held(self, names: Sequence[PageName]) -> dict[PageName, Known]:
        """Those of these that are kept here, however old."""
        kept = {name: self._cache.get(name) for name in names}
        return {name: each.known for name, each in kept.items() if each is not None}

    def read(self, names: Sequence[PageName], *, anew: bool = False) -> dict[PageName, Known]:
        """Those of these that exist. `anew`: those that may have grown are read, however lately they were.

        Raises StoreUnavailable.
        """
        now = self._clock.monotonic()
        kept = {name: self._cache.get(name) for name in names}
        asked = [
            name
            for name, each in kept.items()
            if each is None or (each.data and (anew or now - each.time >= READ_SECONDS))
        ]
        found = {name: each.known for name, each in kept.items() if each is not None}
        if not asked:
            return found
        for name, data in zip(asked, self._archive.read([str(n) for n in asked]), strict=True):
            if data is None:
                self._cache.drop(name)
                found.pop(name, None)
                continue
            before = kept[name]
            if before is not None and before.data == data:
                known = before.known
            else:
                try:
                    known = _known(name, decode_page(data))
                except Unreadable:
                    found.pop(name, None)
                    continue
                stand_in_line()
            found[name] = known
            self._keep(name, known, data, now)
        return found

    def _keep(self, name: PageName, known: Known, data: bytes, now: float) -> None:
        is_over = name.family == "klines" and known.until >= name.end * 1000
        is_final = is_over and known.whole
        size = ROW_BYTES * len(known.final) + (0 if is_final else len(data)) + 1000
        self._cache.put(name, _Kept(known, b"" if is_final else data, now), size)


def _known(name: PageName, page: Page) -> Known:
    stand_in_line()
    length = 1000 * SECONDS[name.interval]
    last = page.until - length
    final, running = {}, None
    for kline in page.klines:
        if kline.time <= last:
            final[kline.time] = of_exchange(kline)
        elif kline.time <= page.until:
            running = kline
    return Known(page.until, final, running, page.whole)
