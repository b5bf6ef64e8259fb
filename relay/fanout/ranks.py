"""Ranks: the members of a cohort that keep up, and how all of them are offered the same bytes."""

from collections.abc import Callable, Iterator
from itertools import repeat
from operator import call

from relay.fanout.checksum import Checksum, checksum_of
from relay.fanout.ledger import Ledger
from relay.fanout.member import Member

#: Sends after which the event loop gets its turn, if enough time has gone by.
SENDS_PER_LOOK = 128

Breathe = Callable[[], None]
Group = dict[Member, None] | dict[Member, int]


class Ranks:
    """Three groups, and what was given to them together."""

    def __init__(self) -> None:
        #: These have what was offered, no less and no more.
        self.live: dict[Member, None] = {}
        #: These keep up as well, but get bytes of their own until the compressor starts over.
        self.aside: dict[Member, None] = {}
        #: These joined with a newer version than was offered. The next pass goes past them: it would give
        #: them older prices than they have. They catch up when it is over.
        self.ahead: dict[Member, int] = {}
        #: The number of the newest pass or announcement. One is over, or void, where it is another.
        self.passes = 0
        #: What everyone was given.
        self.ledger = Ledger()

    def __len__(self) -> int:
        """How many get the next pass."""
        return len(self.live) + len(self.aside)

    def hold(self, member: Member) -> bool:
        """Whether it gets the next pass."""
        return member in self.live or member in self.aside

    def join(self, member: Member, group: dict[Member, None]) -> None:
        """From here on it is one of this group, live or aside."""
        member.joined = self.passes
        self.ledger.join(member)
        group[member] = None

    def join_ahead(self, member: Member, version: int) -> None:
        """It has a newer version than was offered."""
        member.joined = self.passes
        self.ahead[member] = version

    def drop(self, member: Member) -> None:
        """It keeps up no more."""
        if self.hold(member):
            self.ledger.part(member, self.passes)
        self.live.pop(member, None)
        self.aside.pop(member, None)
        self.ahead.pop(member, None)

    def close(self) -> None:
        """Those aside share the past of the live from here on."""
        self.live |= self.aside
        self.aside.clear()

    def start_anew(self) -> None:
        """A pass that runs is void, and nobody is ahead any more."""
        self.ledger.give_up((*self.live, *self.aside), self.passes)
        self.passes += 1
        for member in self.ahead:
            self.ledger.join(member)
        self.live |= dict.fromkeys(self.ahead)
        self.ahead.clear()

    def total_of(self, member: Member) -> Checksum:
        """Of what everyone was given here, as far as this member has it: see Tally."""
        return self.ledger.of(member, self.passes)

    def begin(self) -> int:
        """The number of the pass or the announcement that begins."""
        self.passes += 1
        self.ledger.begin()
        return self.passes

    def offer(
        self,
        data: bytes,
        group: Group,
        fall_short: Callable[[Member, int], None],
        breathe: Breathe,
        *,
        alone: bool = False,
    ) -> list[Member]:
        """The fan-out: one send for each member; gives those whose socket took all of it.

        Never waits; yields only in `breathe`. `fall_short` is told how many bytes a socket took instead.
        `alone`: what they are given here is not what the cohort is given.
        """
        size = len(data)
        whole: list[Member] = []
        for members in self._slices(group):
            taken = _send_to_each(members, data)
            reached = members
            if taken.count(size) != len(members):
                reached = []
                for member, sent in zip(members, taken, strict=True):
                    if sent == size:
                        reached.append(member)
                    elif sent < 0:
                        member.lost()
                    else:
                        fall_short(member, sent)
            whole += reached
            if not alone:
                self.ledger.reach(reached)
            else:
                for member in reached:
                    tell(member, data)
            breathe()
        return whole

    def bring_back(self, breathe: Breathe) -> None:
        """Lets those who were ahead catch up with the pass."""
        for member in list(self.ahead):
            if member in self.ahead:
                member.resume(self.ahead.pop(member))
                breathe()

    def _slices(self, group: Group) -> Iterator[list[Member]]:
        """Some members at a time. Between two slices others run: a member that left meanwhile, or left
        and joined again with newer prices, is left out."""
        this_pass = self.passes
        everyone = list(group)
        for start in range(0, len(everyone), SENDS_PER_LOOK):
            if self.passes != this_pass:
                return
            part = everyone[start : start + SENDS_PER_LOOK]
            yield [member for member in part if member in group and member.joined < this_pass]


def tell(member: Member, event: bytes) -> None:
    """It was given this event by itself."""
    if member.tally is not None:
        member.tally.add(checksum_of(event))


def _send_to_each(members: list[Member], data: bytes) -> list[int]:
    """Offers `data` to each socket: how many bytes each took, -1 where the connection is gone.

    The loop itself runs in C, from one exception to the next: here every nanosecond counts by the
    number of clients.
    """
    taken: list[int] = []
    sends = iter([member.send for member in members])
    while True:
        try:
            taken.extend(map(call, sends, repeat(data)))
        except BlockingIOError:
            taken.append(0)
        except OSError:
            taken.append(-1)
        else:
            return taken
