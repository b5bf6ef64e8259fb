"""Shared: answers that are costly to make, each made once for all who ask for the same."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from relay.clock import SYSTEM, Clock
from relay.web.fresh import Fresh, NotMade

#: Answers that are kept at most: the one that was asked for longest ago goes first.
MAX_ANSWERS = 128
#: Answers that are being made at a time before another question is turned away: each of them holds memory and
#: may wait for the exchange, and all of them share one processor.
MAX_MAKINGS = 64

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Shared(Generic[K, T]):
    """A Fresh value for each question."""

    def __init__(
        self, make: Callable[[K], T], era: Callable[[], str], clock: Clock = SYSTEM
    ) -> None:
        """`make` gives turns while it works. An answer that was made in another `era` is void."""
        self._make = make
        self._era = era
        self._clock = clock
        self._answers: OrderedDict[K, Fresh[T]] = OrderedDict()

    def get(self, question: K) -> T:
        """The answer; raises NotMade, also where too many others are being made."""
        fresh = self._answers.get(question)
        if fresh is None:
            if sum(other.is_making for other in self._answers.values()) >= MAX_MAKINGS:
                raise NotMade("too many other answers are being made")
            fresh = Fresh(partial(self._make, question), self._era, self._clock)
            self._answers[question] = fresh
            if len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(question)
        return fresh.get()
