"""Ledger: what the members of one cohort were given together, and who was reached by the newest of it."""

from collections.abc import Iterable

from relay.fanout.checksum import NOTHING, Checksum
from relay.fanout.member import Member


class Ledger:
    """Totals for the ends of streams: see Tally. Members whose stream's end says nothing cost nothing."""

    def __init__(self) -> None:
        # What those have been given who were reached by all of it, and before the pass that runs.
        self._total = self._before = NOTHING
        # Whom the pass that runs has reached.
        self._reached: list[Member] = []

    def begin(self) -> None:
        """A pass begins that has reached nobody."""
        self._before, self._reached = self._total, []

    def count(self, said: list[bytes]) -> None:
        """What the pass says to everybody; nothing where nobody will ask."""
        if said and self._before is self._total:
            self._total = self._before.over(said)

    def reach(self, members: Iterable[Member]) -> None:
        """The sockets of these took all of it."""
        self._reached += members

    def end(self) -> None:
        """The pass is over."""
        self.begin()

    def join(self, member: Member) -> None:
        """It has what the others have, the pass that runs included."""
        if member.tally is not None:
            member.tally.join(self._total)

    def part(self, member: Member, passes: int) -> None:
        """It gets nothing more; `passes`: see `of`."""
        if member.tally is not None:
            member.tally.part(self.of(member, passes))

    def of(self, member: Member, passes: int) -> Checksum:
        """The total up to which it was given everything. One that joined in pass number `passes`, which
        runs, joined with all of it."""
        reached = member.joined == passes or self._before is self._total or member in self._reached
        return self._total if reached else self._before

    def give_up(self, members: Iterable[Member], passes: int) -> None:
        """The pass that runs is void: those of the members that it has not reached go on without it."""
        if self._before is not self._total:
            reached = set(self._reached)
            for member in members:
                if member.tally is not None and member.joined != passes and member not in reached:
                    member.tally.part(self._before)
                    member.tally.join(self._total)
        self.end()
