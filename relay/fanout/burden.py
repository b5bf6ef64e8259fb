"""Burden: which cohorts are slowed while a worker is behind, so that the others are not.

A pass serves a cohort, and one that serves few clients takes as long as one that serves many. So what a
cohort costs each of its members is looked at once a second. While what is due waits for long, those whose
members cost most get fewer passes, each with the newest prices; they are told so, and it ends when there is
room again.
"""

from collections.abc import Iterable

from relay.fanout.cohort import Cohort

#: Seconds between two looks.
LOOK_SECONDS = 1.0
#: Seconds that what is due waits for its pass, on average, when a worker is behind; and when it has room.
BEHIND_SECONDS, ROOM_SECONDS = 0.03, 0.015
#: Entries a second that one client may be offered while a worker is behind, each about a microsecond of CPU:
#: see Cohort.work.
MOST_ENTRIES = 1000
#: Cohorts with more members than this are never slowed.
MOST_MEMBERS = 4
#: Passes a second of a cohort that is slowed: at first, and at least.
FIRST_RATE, LEAST_RATE = 4.0, 0.1
#: Looks in a row with room after which those that are slowed get more passes.
PATIENT_LOOKS = 5


class Burden:
    """Watches what waits, and who is served at what cost."""

    def __init__(self) -> None:
        self._waited = 0.0
        self._waits = 0
        self._looks_with_room = 0
        #: How often a cohort was slowed, or slowed further.
        self.slowings = 0

    def note(self, waited: float) -> None:
        """What was due got its pass after so many seconds."""
        self._waited += waited
        self._waits += 1

    def look(self, cohorts: Iterable[Cohort], elapsed: float) -> list[Cohort]:
        """Slows some, or gives them back a part of what they had; which of them have another rate now.

        `elapsed`: the seconds since the last look.
        """
        wait = self._waited / self._waits if self._waits else 0.0
        self._waited, self._waits = 0.0, 0
        changed: list[Cohort] = []
        self._looks_with_room = self._looks_with_room + 1 if wait < ROOM_SECONDS else 0
        has_room = self._looks_with_room >= PATIENT_LOOKS
        if has_room:
            self._looks_with_room = 0
        for cohort in cohorts:
            work, cohort.work = cohort.work, 0
            members = len(cohort.members)
            if wait > BEHIND_SECONDS and members <= MOST_MEMBERS:
                if work > MOST_ENTRIES * elapsed * members and _slow(cohort):
                    self.slowings += 1
                    changed.append(cohort)
            elif cohort.is_slowed and (has_room or members > MOST_MEMBERS):
                _hasten(cohort)
                changed.append(cohort)
        return changed


def _slow(cohort: Cohort) -> bool:
    """Halves its passes; False where it has as few as it may."""
    asked = cohort.terms.rate
    rate = cohort.rate / 2 if cohort.is_slowed else min(asked / 2 or FIRST_RATE, FIRST_RATE)
    if rate < LEAST_RATE:
        return False
    cohort.slow(rate)
    return True


def _hasten(cohort: Cohort) -> None:
    """Doubles its passes, until it has all that it asked for."""
    asked, rate = cohort.terms.rate, 2 * cohort.rate
    is_enough = rate >= asked if asked else rate > FIRST_RATE
    cohort.slow(0.0 if is_enough else rate)
