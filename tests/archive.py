"""A listener's place taken by a test: an archive that holds what the test puts there, and demands that are
answered as the test says."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from relay.candle import Candle
from relay.history.block import HOURS, MINUTES, Span, block, offset, record
from relay.history.interval import SECONDS
from relay.history.library import Library
from relay.history.page import PAGE_CANDLES, Page, PageName, encode_page
from relay.kline import Kline
from relay.store.contract import StoreUnavailable


class Shelf:
    """An archive in a dict. Unavailable when it is told to be."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.available = True
        #: Every name that was read, in order.
        self.reads: list[str] = []

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        self.reads += names
        if not self.available:
            raise StoreUnavailable("redis: it is away")
        return [self.values.get(name) for name in names]

    def keep(self, symbol: str, candles: Iterable[Candle], *, closed_until: int = 0) -> None:
        """Puts own minutes; blocks that end by `closed_until` are closed."""
        self._put(MINUTES, symbol, candles, closed_until)

    def keep_hours(self, symbol: str, candles: Iterable[Candle], *, closed_until: int = 0) -> None:
        """Puts own hours."""
        self._put(HOURS, symbol, candles, closed_until)

    def put_page(self, name: PageName, until: int, klines: Sequence[Kline] | None = None) -> None:
        """Puts a page of the exchange, asked for at `until` (milliseconds); with a candle for each interval
        until then if none are given."""
        if klines is None:
            step = SECONDS[name.interval]
            times = range(name.start, min(name.end, until // 1000 + 1), step)
            klines = [kline(time) for time in times]
        self.values[str(name)] = encode_page(Page(until, list(klines)))

    def _put(self, span: Span, symbol: str, candles: Iterable[Candle], closed_until: int) -> None:
        blocks = defaultdict(list)
        for candle in candles:
            blocks[candle.time // span.length * span.length].append(candle)
        for start, within in blocks.items():
            name = span.name(False, symbol, start)
            if start + span.length <= closed_until:
                self.values[name] = block(span, within)
                continue
            data = bytearray(self.values.get(name, b"R"))
            for candle in within:
                at, packed = offset(span, candle.time), record(candle)
                data.extend(bytes(max(0, at + len(packed) - len(data))))
                data[at : at + len(packed)] = packed
            self.values[name] = bytes(data)


class Wants:
    """Demands that are noted, and answered by a function of the test."""

    def __init__(self) -> None:
        #: What was demanded and waited for, for how long, and whether it was urgent.
        self.asked: list[tuple[list[str], float, bool]] = []
        self.posted: list[str] = []
        self.supply: Callable[[Sequence[str]], None] = lambda _: None

    def ask(self, names: Sequence[str], seconds: float, *, urgent: bool = True) -> None:
        self.asked.append((list(names), seconds, urgent))
        self.supply(names)

    def post(self, names: Sequence[str], *, urgent: bool = True) -> None:  # noqa: ARG002
        self.posted += names


def kline(time: int, price: str = "7.00") -> Kline:
    """A candle of the exchange that opens at a time in seconds: it closes at `price`."""
    return Kline(time * 1000, "5.00", "9.00", "4.00", price, "12.5", "80.25", 321)


def pages_at(symbol: str, interval: str, now: int, count: int = 1) -> list[PageName]:
    """The newest pages of klines at a time in seconds, the oldest first."""
    number = now // (PAGE_CANDLES * SECONDS[interval])
    return [
        PageName("klines", False, symbol, interval, each)
        for each in range(number - count + 1, number + 1)
    ]


def nothing_past() -> Library:
    """What is known where nothing is kept, and nobody fetches anything."""
    return Library(Shelf(), Wants())
