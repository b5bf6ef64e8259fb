"""Market: the rows of the price page, which cost more to render than anything else a worker does."""

import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from relay.board import Board
from relay.clock import SYSTEM, Clock
from relay.ticker import Ticker
from relay.turn import give_turn
from relay.web.figures import number
from relay.web.fresh import Fresh

#: Rows that are rendered between two turns of everything else: about 1.5 ms of work.
ROWS_PER_TURN = 50
#: Tickers that are sorted between two turns: about 1 ms of work.
TICKERS_PER_RUN = 1000


class Rows(NamedTuple):
    """The rows, and the id from which a client goes on."""

    #: HTML in UTF-8, in pieces: to join and encode all rows at once would hold everybody else up.
    parts: tuple[bytes, ...]
    number: int
    id: str


NOTHING = Rows((), 0, "")


class Market:
    """Keeps the rows it rendered last, and renders them anew when somebody asks and they are old."""

    def __init__(
        self, board: Board, render: Callable[[list[Ticker]], str], clock: Clock = SYSTEM
    ) -> None:
        """`render` makes rows of tickers."""
        self._board = board
        self._render = render
        self._fresh = Fresh(self._make, lambda: board.epoch, clock)

    def rows(self) -> Rows:
        """Every symbol, the most traded first; raises NotMade."""
        return self._fresh.get() if self._board.epoch else NOTHING

    def _make(self) -> Rows:
        resume_id = self._board.id
        tickers = self._board.tickers()
        ordered = _most_traded_first(tickers)
        parts = []
        while some := list(islice(ordered, ROWS_PER_TURN)):
            parts.append(self._render(some).encode())
            give_turn()
        return Rows(tuple(parts), len(tickers), resume_id)


def _most_traded_first(tickers: list[Ticker]) -> Iterator[Ticker]:
    """Sorts some at a time; the runs are merged row by row, as they are rendered."""
    runs = []
    for start in range(0, len(tickers), TICKERS_PER_RUN):
        runs.append(sorted(tickers[start : start + TICKERS_PER_RUN], key=_traded, reverse=True))
        give_turn()
    return heapq.merge(*runs, key=_traded, reverse=True)


def _traded(ticker: Ticker) -> float:
    return number(ticker.quote_volume) or 0.0
