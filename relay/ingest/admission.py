"""Admission: which symbols may be held beside those that are.

The exchange invents symbols, and so may whoever plays it. What clients could not ask for is refused, and
so is more than can be true.
"""

import logging
from collections import Counter

from relay.ticker import MAX_HELD, upper

log = logging.getLogger(__name__)

#: Symbols that streams bring at most where nothing says how many there are. Binance trades some 1,400.
UNLISTED = 5_000
#: Where REST says what is traded: so many times that, and at least LEAST.
TIMES_LISTED, LEAST = 3, 1_000
#: Removals that wait to be written, at most, beside what is held. A store that is away takes none.
_MAX_REMOVALS = MAX_HELD


class Admission:
    """Says of each symbol that is not held whether it may be, and counts those that may not."""

    def __init__(self, wanted: frozenset[str] = frozenset()) -> None:
        """`wanted`: only these are; all if it is empty."""
        self._wanted = wanted
        self._believed = UNLISTED
        #: How often a symbol was refused, by why: what nobody asked for is not counted.
        self.refused: Counter[str] = Counter()

    def learn_traded(self, number: int) -> None:
        """REST says that so many symbols are traded."""
        self._believed = max(LEAST, TIMES_LISTED * number)

    def forget_traded(self) -> None:
        """What comes now is of another kind."""
        self._believed = UNLISTED

    def admits_streamed(self, symbol: str, held: int, waiting: int) -> bool:
        """Whether a symbol may be held that a stream brings, beside so many, while so many wait to be
        written."""
        if held < self._believed or (self._wanted and symbol in self._wanted):
            return self.admits(symbol, held, waiting)
        return self._refuse("beyond what can be listed", symbol, self._believed)

    def admits(self, symbol: str, held: int, waiting: int) -> bool:
        """Whether one may be held that REST or a store names."""
        if self._wanted and symbol not in self._wanted:
            return False
        if upper(symbol) != symbol:
            return self._refuse("not in upper case", symbol)
        if held >= MAX_HELD or waiting >= MAX_HELD + _MAX_REMOVALS:
            return self._refuse("no room", symbol, MAX_HELD)
        return True

    def _refuse(self, why: str, symbol: str, most: int = 0) -> bool:
        """The first of a kind is said, and that there are more of them."""
        if why not in self.refused:
            beyond = f" (at most {most})" if most else ""
            log.error("%a is refused: %s%s; others like it are not told of", symbol, why, beyond)
        self.refused[why] += 1
        return False
