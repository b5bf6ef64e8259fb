"""Heartbeats: the cohorts that are due one, and who comes first."""

from collections.abc import Iterable, Iterator
from itertools import islice

from relay.clock import Clock
from relay.fanout.cohort import Cohort

#: Cohorts that are sent their heartbeat in one round; prices come between two rounds.
HEARTBEATS_PER_TURN = 50
#: Seconds after which a heartbeat that is due does not wait for another round.
HEARTBEAT_SLACK_SECONDS = 1.0


class Heartbeats:
    """Each cohort once, for as long as it has not been given out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Since when they are due, by the clock; those that wait longest come first.
        self._due: dict[Cohort, float] = {}

    def __bool__(self) -> bool:
        """Whether any is due."""
        return bool(self._due)

    def make_due(self, cohorts: Iterable[Cohort]) -> None:
        """These are due one, if they are not already."""
        now = self._clock.monotonic()
        for cohort in cohorts:
            self._due.setdefault(cohort, now)

    def of_this_round(self) -> Iterator[Cohort]:
        """Some cohorts, and those that have waited long. The others get theirs in a later round, as prices do
        not wait for all of them.

        A few at a time are looked at: a list of ten thousand in each round, and the garbage collector would
        look at everything there is, for 130 ms.
        """
        overdue = self._clock.monotonic() - HEARTBEAT_SLACK_SECONDS
        due = self._due
        while part := list(islice(due, HEARTBEATS_PER_TURN)):
            for cohort in part:
                del due[cohort]
                yield cohort
            if next(iter(due.values()), overdue) > overdue:
                return
