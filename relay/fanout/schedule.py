"""Schedule: the cohorts with a rate that wait for their next pass."""

import heapq

from relay.fanout.cohort import Cohort


class Schedule:
    """Cohorts in the order of their next passes."""

    def __init__(self) -> None:
        # When, by the clock; a number that breaks ties; which.
        self._heap: list[tuple[float, int, Cohort]] = []
        self._number = 0

    def put_off(self, cohort: Cohort) -> None:
        """The cohort waits until its `next_pass`; it may be told so more than once."""
        if not cohort.waiting:
            cohort.waiting = True
            self._number += 1
            heapq.heappush(self._heap, (cohort.next_pass, self._number, cohort))

    def take_up(self, now: float) -> list[Cohort]:
        """The cohorts that have waited long enough."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            _, _, cohort = heapq.heappop(self._heap)
            cohort.waiting = False
            due.append(cohort)
        return due

    def seconds_left(self, now: float) -> float | None:
        """Seconds until a cohort has waited long enough; None if none waits."""
        return max(0.0, self._heap[0][0] - now) if self._heap else None
