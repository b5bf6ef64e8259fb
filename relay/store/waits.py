"""Waits: who waits in this process for the answer to which demand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gevent
from gevent.event import Event

from relay.store.contract import MAX_NAME, Refused, Unanswered

#: Names that are waited for in one process at most.
MAX_WAITS = 1_000


def is_name(text: str) -> bool:
    """Whether a demand may be called so."""
    return 0 < len(text) <= MAX_NAME and text.isprintable()


class Wait:
    """All in this process who wait for the same answer."""

    __slots__ = ("failure", "over", "people", "place", "reason", "seen", "urgent")

    def __init__(self, urgent: bool) -> None:
        self.urgent = urgent
        self.people = 0
        #: Set once it is answered, or never will be: then `failure` and `reason` say why.
        self.over = Event()
        self.failure: type[Refused | Unanswered] | None = None
        self.reason = ""
        #: How many come first, as far as is known; 0 where its turn has come.
        self.place = 0
        #: What the store said of older answers when it was asked first.
        self.seen = b""

    def end(self, failure: type[Refused | Unanswered] | None = None, reason: str = "") -> None:
        """It is answered, or it failed."""
        self.failure, self.reason = failure, reason
        self.over.set()


class Waits:
    """By name. What is over is forgotten: who asks then asks anew."""

    def __init__(self) -> None:
        self._waits: dict[str, Wait] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._waits))

    def get(self, name: str) -> Wait | None:
        """Who waits for this, if anybody does."""
        return self._waits.get(name)

    def end(
        self, name: str, failure: type[Refused | Unanswered] | None = None, reason: str = ""
    ) -> None:
        """Lets everybody go on who waits for this."""
        wait = self._waits.pop(name, None)
        if wait is not None:
            wait.end(failure, reason)

    @contextmanager
    def joined(self, names: Sequence[str], urgent: bool) -> Iterator[dict[str, Wait]]:
        """Waits for these names meanwhile, together with whoever does already."""
        joined = {name: self._join(name, urgent) for name in dict.fromkeys(names)}
        try:
            yield joined
        finally:
            for name, wait in joined.items():
                wait.people -= 1
                if not wait.people and self._waits.get(name) is wait:
                    del self._waits[name]

    def _join(self, name: str, urgent: bool) -> Wait:
        wait = self._waits.get(name)
        if wait is None:
            wait = Wait(urgent)
            if not is_name(name):
                wait.end(Refused, "that is no name")
            elif len(self._waits) >= MAX_WAITS:
                wait.end(Unanswered, f"{MAX_WAITS} others are waited for already")
            else:
                self._waits[name] = wait
        wait.people += 1
        wait.urgent = wait.urgent or urgent
        return wait


def wait_for_all(waits: dict[str, Wait], seconds: float) -> list[str]:
    """Returns once all are over, or after so many seconds; the names of those that are not over then.

    Raises Refused or Unanswered where one of them failed: there is no use in asking for it again.
    """
    gevent.wait([wait.over for wait in waits.values()], timeout=max(0.0, seconds))
    for failure in (Refused, Unanswered):
        for wait in waits.values():
            if wait.failure is failure:
                raise failure(wait.reason)
    return [name for name, wait in waits.items() if not wait.over.is_set()]


def unanswered(place: int, seconds: float) -> Unanswered:
    """What there is to say of one that so many others come before."""
    if not place:
        return Unanswered(f"nobody has answered within {seconds:g} s")
    others = "1 other comes" if place == 1 else f"{place} others come"
    return Unanswered(f"it waits for its turn: {others} first")
