"""Shared: answers that are costly to make, each made once for all who ask for the same."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import gevent

from relay.clock import SYSTEM, Clock
from relay.web.fresh import FRESH_SECONDS, Fresh, NotMade

#: Answers that are kept at most: the one that was asked for longest ago goes first. Each goes once it serves
#: nobody any more.
MAX_ANSWERS = 128
#: Answers that are being made at a time before another question is turned away: each of them holds memory and
#: may wait for the exchange, and all of them share one processor. Who has less than an equal part of them
#: gets that all the same.
MAX_MAKINGS = 64

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _Asked(NamedTuple, Generic[T]):
    fresh: Fresh[T]
    #: Who asked first.
    asker: Hashable


class Shared(Generic[K, T]):
    """A Fresh value for each question."""

    def __init__(
        self, make: Callable[[K], T], era: Callable[[], str], clock: Clock = SYSTEM
    ) -> None:
        """`make` gives turns while it works. An answer that was made in another `era` is void."""
        self._make = make
        self._era = era
        self._clock = clock
        self._answers: OrderedDict[K, _Asked[T]] = OrderedDict()
        self._is_forgetting = False

    def get(self, question: K, asker: Hashable = None) -> T:
        """The answer; raises NotMade, also where too many others are being made, and for this asker as many
        as for each."""
        asked = self._answers.get(question)
        if asked is None:
            self._check_room(asker)
            fresh = Fresh(partial(self._make, question), self._era, self._clock)
            asked = self._answers[question] = _Asked(fresh, asker)
            if len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
            if not self._is_forgetting:
                self._is_forgetting = True
                gevent.spawn(self._forget)
        else:
            self._answers.move_to_end(question)
        return asked.fresh.get()

    def _check_room(self, asker: Hashable) -> None:
        """Raises NotMade."""
        makings = Counter(asked.asker for asked in self._answers.values() if asked.fresh.is_making)
        total, own = makings.total(), makings[asker]
        askers = len(makings | {asker: 1})
        if total >= MAX_ANSWERS or (total >= MAX_MAKINGS and own >= max(MAX_MAKINGS // askers, 1)):
            raise NotMade("too many other answers are being made")

    def _forget(self) -> None:
        """Lets answers go whose time is over, while there are any: the largest take a megabyte."""
        while self._answers:
            gevent.sleep(FRESH_SECONDS)
            for question in [q for q, asked in self._answers.items() if asked.fresh.is_spent]:
                del self._answers[question]
        self._is_forgetting = False
