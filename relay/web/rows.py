"""Market: the rows of the price page, which cost more to render than anything else a worker does."""

import time
from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import NamedTuple

import gevent

from relay.board import Board
from relay.ticker import Ticker

#: Rows are rendered at most so often, however many people load the page.
FRESH_SECONDS = 1.0
#: After so many rows the streams get their turn.
ROWS_PER_TURN = 50


class Rows(NamedTuple):
    """The rows, and the id from which a client goes on."""

    html: str
    number: int
    id: str


NOTHING = Rows("", 0, "")


class Market:
    """Keeps the rows it rendered last."""

    def __init__(self, board: Board, render: Callable[[list[Ticker]], str]) -> None:
        """`render` makes rows of tickers."""
        self._board = board
        self._render_some = render
        self._rows = NOTHING
        self._rendered = -FRESH_SECONDS

    def rows(self) -> Rows:
        """Every symbol, the most traded first."""
        if not self._board.epoch:
            return NOTHING
        if time.monotonic() - self._rendered >= FRESH_SECONDS:
            self._rows = self._render()
            self._rendered = time.monotonic()
        return self._rows

    def _render(self) -> Rows:
        resume_id = self._board.id
        tickers = self._board.tickers()
        tickers.sort(key=_traded, reverse=True)
        parts = []
        for start in range(0, len(tickers), ROWS_PER_TURN):
            parts.append(self._render_some(tickers[start : start + ROWS_PER_TURN]))
            gevent.sleep(0)
        return Rows("".join(parts), len(tickers), resume_id)


def _traded(ticker: Ticker) -> Decimal:
    try:
        return Decimal(ticker.quote_volume or 0)
    except DecimalException:
        return Decimal(0)
