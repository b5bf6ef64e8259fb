"""Fresh: a value that is costly to make. One making serves everybody who asks for it."""

import logging
import math
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from relay.clock import SYSTEM, Clock
from relay.complaint import Complaint
from relay.turn import give_turn

_TOO_LONG = Complaint(logging.getLogger(__name__))

#: Seconds that a value serves from the end of its making, and that a failure is remembered.
FRESH_SECONDS = 1.0
#: Seconds that a making may take, and that a caller waits.
WAIT_SECONDS = 10.0

T = TypeVar("T")


class NotMade(Exception):
    """The value cannot be had now; the text says why."""


class _TooLong(BaseException):
    """A making takes too long."""


class _Made(NamedTuple, Generic[T]):
    value: T
    era: str
    time: float


class Fresh(Generic[T]):
    """Makes its value when it is asked for, at most once in FRESH_SECONDS, in a greenlet of its own."""

    def __init__(
        self, make: Callable[[], T], era: Callable[[], str], clock: Clock = SYSTEM
    ) -> None:
        """`make` gives turns while it works. A value that was made in another `era` is void."""
        self._make = make
        self._era = era
        self._clock = clock
        self._newest: _Made[T] | None = None
        self._failed = -math.inf
        self._making: gevent.Greenlet[[], _Made[T] | None] | None = None
        # Callers that waited go on one by one: each of them is about to send what it waited for.
        self._turnstile = BoundedSemaphore(1)

    @property
    def is_making(self) -> bool:
        """Whether it is being made at present."""
        return self._making is not None

    @property
    def is_spent(self) -> bool:
        """Whether the next caller gets nothing of what is here, neither value nor failure."""
        made = self._newest
        is_old = made is None or self._age(made.time) >= FRESH_SECONDS
        return is_old and not self.is_making and self._age(self._failed) >= FRESH_SECONDS

    def get(self) -> T:
        """The value; raises NotMade if its making fails, failed a moment ago, or takes too long."""
        with gevent.Timeout(WAIT_SECONDS, NotMade("it takes too long")):
            while True:
                made = self._newest
                if made is None or self._age(made.time) >= FRESH_SECONDS:
                    made = self._wait()
                if made.era == self._era():
                    return made.value
                self._newest = None

    def _age(self, time: float) -> float:
        return self._clock.monotonic() - time

    def _wait(self) -> _Made[T]:
        if self._age(self._failed) < FRESH_SECONDS:
            raise NotMade("its last making failed")
        making = self._making
        if making is None:
            making = self._making = gevent.spawn(self._run)
        making.join()
        with self._turnstile:
            give_turn()
        if making.value is None:
            raise NotMade("its making failed")
        return making.value

    def _run(self) -> _Made[T] | None:
        """None where it took too long. gevent reports any other exception that ends this greenlet."""
        try:
            with gevent.Timeout(WAIT_SECONDS, _TooLong()):
                era = self._era()
                value = self._make()
            self._newest = _Made(value, era, self._clock.monotonic())
            return self._newest
        except _TooLong:
            self._failed = self._clock.monotonic()
            _TOO_LONG.make("an answer was not made within %g s", WAIT_SECONDS)
            return None
        except BaseException:
            self._failed = self._clock.monotonic()
            raise
        finally:
            self._making = None
