"""Market: the rows of the price page, which cost more to render than anything else a worker does."""

import heapq
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from relay.board import Board
from relay.clock import SYSTEM, Clock
from relay.ticker import Ticker
from relay.turn import stand_in_line
from relay.web.dollars import Dollars, split
from relay.web.fresh import Fresh

#: Rows that the page begins with: more than a screen shows. Its script has the others from the stream.
FIRST_ROWS = 60
#: Rows that are rendered between two turns of everything else: about 1.5 ms of work.
ROWS_PER_TURN = 50
#: Tickers that are sorted between two turns: about 1.5 ms of work.
TICKERS_PER_RUN = 1000


class Row(NamedTuple):
    """What one row is made of."""

    ticker: Ticker
    #: What was traded of it in 24 hours; None where no price says what that is worth.
    dollars: float | None


class Rows(NamedTuple):
    """The rows, and the id from which a client goes on."""

    #: HTML in UTF-8.
    html: bytes
    #: How many these are.
    shown: int
    #: How many symbols there are.
    number: int
    id: str


NOTHING = Rows(b"", 0, 0, "")


class Market:
    """Keeps the rows it rendered last, and renders them anew when somebody asks and they are old.

    The most traded come first, in US dollars; what nobody knows the worth of comes last.
    """

    def __init__(
        self, board: Board, render: Callable[[list[Row]], str], clock: Clock = SYSTEM
    ) -> None:
        """`render` makes HTML of rows."""
        self._board = board
        self._render = render
        self._dollars = Dollars()
        self._first = Fresh(partial(self._make, FIRST_ROWS), lambda: board.epoch, clock)
        self._all = Fresh(partial(self._make, None), lambda: board.epoch, clock)

    def first(self) -> Rows:
        """The first FIRST_ROWS of them; raises NotMade."""
        return self._first.get() if self._board.epoch else NOTHING

    def all(self) -> Rows:
        """Every symbol; raises NotMade."""
        return self._all.get() if self._board.epoch else NOTHING

    def _make(self, most: int | None) -> Rows:
        resume_id = self._board.id
        tickers = self._board.tickers()
        self._dollars.renew(tickers)
        ordered = islice(self._most_traded_first(tickers), most)
        parts, shown = [], 0
        while some := list(islice(ordered, ROWS_PER_TURN)):
            parts.append(self._render(some).encode())
            shown += len(some)
            stand_in_line()
        return Rows(b"".join(parts), shown, len(tickers), resume_id)

    def _most_traded_first(self, tickers: list[Ticker]) -> Iterator[Row]:
        """Sorts some at a time; the runs are merged row by row, as they are rendered."""
        runs = []
        for start in range(0, len(tickers), TICKERS_PER_RUN):
            stand_in_line()
            run = map(self._row, tickers[start : start + TICKERS_PER_RUN])
            runs.append(sorted(run, key=_traded, reverse=True))
        stand_in_line()
        return heapq.merge(*runs, key=_traded, reverse=True)

    def _row(self, ticker: Ticker) -> Row:
        return Row(ticker, self._dollars.worth(ticker.quote_volume, split(ticker)[1]))


def _traded(row: Row) -> float:
    return -1.0 if row.dollars is None else row.dollars
