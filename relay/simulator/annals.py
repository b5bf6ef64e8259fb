"""Annals: everything that a symbol ever traded, in candles of any interval."""

from itertools import islice
from operator import itemgetter

from relay.simulator.bar import Bar, merge
from relay.simulator.interval import closing, openings
from relay.simulator.market import Candle
from relay.simulator.past import Past
from relay.simulator.tape import Tape

#: Prices and quantities are integers in units of 1e-8, the last decimal that Binance prints.
UNIT = 10**8

#: Halts that are remembered.
_MAX_HALTS = 1000


class Annals:
    """A made-up past up to the moment when the tape begins, and what really happened since.

    A candle without a trade is flat at the price before it. There is none before the first trade,
    and none that opens, and has no trade, while the symbol is halted.
    """

    def __init__(self, tick: int, lot: int, tape: Tape, past: Past | None = None) -> None:
        """`tick` and `lot`: the steps of prices and volumes, in units."""
        self._tick = tick
        self._lot = lot
        self._tape = tape
        self._past = past
        self._halts: list[tuple[float, float]] = []  # begin and end, in seconds

    def halt(self, now: float) -> None:
        """Note that the symbol does not trade from now on (seconds)."""
        self._halts = [*self._halts[-_MAX_HALTS:], (now, float("inf"))]

    def resume(self, now: float) -> None:
        """Note that it trades again."""
        if self._halts:
            self._halts[-1] = self._halts[-1][0], now

    def bar(self, start: int, end: int) -> Bar | None:
        """Return what was traded between two times in seconds.

        If one of them is within a minute, both must be in the same one.
        """
        begun = self._tape.since
        if start >= begun or self._past is None:
            return self._tape.bar(start, end)
        if end <= begun:
            return self._past.bar(start, end)
        return merge((self._past.bar(start, begun), self._tape.bar(begun, end)))

    def price(self, before: int) -> int | None:
        """Return the price, in ticks, of the last trade before a time; None if there was none."""
        price = self._tape.price(before) if before > self._tape.since else None
        if price is not None or self._past is None:
            return price
        return self._past.price(min(before, self._tape.since))

    def candles(
        self, interval: str, now: float, start: int | None, end: int | None, limit: int
    ) -> list[Candle]:
        """Return at most `limit` candles up to now (seconds), the oldest first; start and end in ms."""
        first = self._tape.since if self._past is None else self._past.since
        asked = openings(interval, first, now, start, end)
        bars: list[tuple[int, Bar | None]] = []
        # In the order of time, which the past likes best; more than once if there was a halt.
        while some := list(islice(asked, limit - len(bars))):
            bars += [
                (opened, bar)
                for opened in sorted(some)
                if (bar := self.bar(opened, closing(opened, interval))) is not None
                or not self._is_halted(opened)
            ]
        bars.sort(key=itemgetter(0))
        before = self.price(bars[0][0]) if bars else None
        candles: list[Candle] = []
        for opened, bar in bars:
            if bar is not None:
                before = bar.close
            if before is not None:
                shown = bar or Bar(before, before, before, before, 0, 0, 0, 0, 0)
                candles.append(self._candle(shown, opened, closing(opened, interval)))
        return candles

    def _is_halted(self, moment: float) -> bool:
        return any(begin <= moment < end for begin, end in self._halts)

    def _candle(self, bar: Bar, opened: int, closed: int) -> Candle:
        tick, lot = self._tick, self._lot
        return [
            opened * 1000,
            decimal(bar.open * tick),
            decimal(bar.high * tick),
            decimal(bar.low * tick),
            decimal(bar.close * tick),
            decimal(bar.volume * lot),
            closed * 1000 - 1,
            decimal(bar.quote),
            bar.trades,
            decimal(bar.bought * lot),
            decimal(bar.bought_quote),
            "0",
        ]


def decimal(units: int) -> str:
    """Print units of 1e-8 as Binance does: eight decimals, trailing zeros kept."""
    return f"{units // UNIT}.{units % UNIT:08d}"
