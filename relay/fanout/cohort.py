"""Cohort: the clients that are owed the same bytes.

Its members have the same wire form, symbols and rate. What changed is encoded once for all of them and
offered to each socket without waiting. A member whose socket does not take all of it falls behind: it
gets nothing from here until it has caught up by itself and joins again.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from operator import call

from relay.board import LOG_ENTRIES, Entry
from relay.clock import Clock
from relay.fanout.checksum import Checksum, checksum_of, said_by
from relay.fanout.counts import Counts
from relay.fanout.delivery import Delivery, deliver
from relay.fanout.encoding import Form, Shared
from relay.fanout.flow import Flow
from relay.fanout.guest import Guest
from relay.fanout.ledger import Ledger
from relay.fanout.member import Member
from relay.fanout.recent import Recent
from relay.fanout.terms import Terms

#: As so many entries a pass counts.
A_PASS = 8
#: Sends after which the event loop gets its turn, if enough time has gone by.
SENDS_PER_LOOK = 128

Breathe = Callable[[], None]
Group = dict[Member, None] | dict[Member, int]


class Cohort:
    """One shared encoding and everyone who gets it."""

    #: For whom it was made.
    guest: Guest

    def __init__(
        self,
        flow: Flow,
        recent: Recent,
        clock: Clock,
        terms: Terms,
        counts: Counts | None = None,
    ) -> None:
        """`counts`: where what happens is counted."""
        self.counts = counts or Counts()
        self.terms = terms
        self.form, self.symbols, self.rate = terms
        #: Entries that passes had since somebody looked last, and a few for each pass.
        self.work = 0
        #: Whether it gets fewer passes than it asked for.
        self.is_slowed = False
        #: Updates that passes gave to those who keep up, since it began.
        self.given = 0
        #: Everyone, also those who are behind.
        self.members: set[Member] = set()
        #: No pass before this, by the clock.
        self.next_pass = 0.0
        #: Whether the hub will wake us for the next pass.
        self.waiting = False
        #: Whether what the members hold is void, as after a new epoch. They have to be told.
        self.void = False
        self._flow = flow
        self._recent = recent
        self._clock = clock
        # Those who keep up. The live have what was offered, no less and no more.
        self._live: dict[Member, None] = {}
        # These keep up as well, but get bytes of their own until the compressor starts over.
        self._aside: dict[Member, None] = {}
        # These joined with a newer version than was offered. The next pass goes past them: it would
        # give them older prices than they have. They catch up when it is over.
        self._ahead: dict[Member, int] = {}
        # During a pass some of the live have `_offered` and the others still `_settled`.
        self._offered = self._settled = flow.version
        self._passes = 0
        self._ledger = Ledger()
        self._shared = self.form.shared(self._clock)
        # Each update of the named symbols since `_offered`; None: the flow has to be asked.
        self._owed: list[Entry] | None = []
        # Updates since then of which the next pass gives only the newest.
        self._put_off = 0

    @property
    def compresses(self) -> bool:
        """Whether the members share a past."""
        return self._shared is not None

    def slow(self, rate: float) -> None:
        """From here on there are so many passes a second at most; 0: as many as were asked for."""
        self.rate = rate or self.terms.rate
        self.is_slowed = self.rate != self.terms.rate
        # What is owed one by one is not what a rate gives.
        self._put_owed_off()
        self.next_pass = min(self.next_pass, self._clock.monotonic() + 1 / (self.rate or 1e9))

    @property
    def settled(self) -> int:
        """A version that everyone who keeps up is sure to have."""
        self._skip_what_concerns_nobody()
        return self._settled

    @property
    def newest(self) -> int:
        """The version of the flow."""
        return self._flow.version

    @property
    def epoch(self) -> str:
        """The epoch of the flow."""
        return self._flow.epoch

    @property
    def outdated(self) -> bool:
        """Whether the flow has forgotten removals that the members have not been told."""
        return 0 < self.settled < self._flow.forgotten

    def remembers(self, version: int) -> bool:
        """Whether a member may go on from this version."""
        return version == 0 or version >= self._flow.forgotten

    def stands_at(self, member: Member, version: int) -> int:
        """The version that a member is sure to have; `version` if it does not keep up with the cohort."""
        if member in self._live or member in self._aside:
            return self._settled
        return self._ahead.get(member, version)

    def total_of(self, member: Member) -> Checksum:
        """Of what everyone was given here, as far as this member has it: see Tally."""
        return self._ledger.of(member, self._passes)

    def entries_of(self, symbols: Sequence[str]) -> list[Entry]:
        """The newest entry of each of these symbols that has a price."""
        return self._flow.since(0, symbols)

    def start_anew(self) -> None:
        """Nobody can go on from what they have, and a pass that runs is void."""
        self.void = True
        self.next_pass = 0.0
        self._offered = self._settled = 0
        self._ledger.give_up((*self._live, *self._aside), self._passes)
        self._passes += 1
        self._owed = None
        for member in self._ahead:
            self._ledger.join(member)
        self._live |= dict.fromkeys(self._ahead)
        self._ahead.clear()
        # A member that missed the end of a pass does not have the past that the others have.
        self._shared = self.form.shared(self._clock)

    def may_join(self, version: int) -> bool:
        """Whether a member at `version` lacks nothing that it will not get with the others."""
        return version >= (self._flow.version if self.void else self._offered)

    def join(self, member: Member, version: int) -> bool:
        """From here on the member gets what the cohort gets; False if it lacks something before that."""
        if not self.may_join(version):
            return False
        self._skip_what_concerns_nobody()
        member.joined = self._passes
        if version > self._offered:
            self._ahead[member] = version
            return True
        self._ledger.join(member)
        if self._shared is None:
            self._live[member] = None
        else:
            self._aside[member] = None
        return True

    def drop(self, member: Member) -> None:
        """From here on the member gets nothing from us."""
        if member in self._live or member in self._aside:
            self._ledger.part(member, self._passes)
        self._live.pop(member, None)
        self._aside.pop(member, None)
        self._ahead.pop(member, None)

    def missing(self, version: int) -> Delivery | None:
        """All that a member at `version` has not got, or None. Members at the same version share it."""
        return self._recent.get((self.terms, version), lambda: self._since(version))

    def owe(self, entry: Entry) -> None:
        """An update of one of the named symbols has come."""
        if self._owed is None:
            self._put_off += 1
        elif self.rate:
            self._put_owed_off()
            self._put_off += 1
        else:
            self._owed.append(entry)
            if len(self._owed) > LOG_ENTRIES:
                self._put_owed_off()

    def owe_unknown(self) -> None:
        """Updates may have come that were not told one by one."""
        self._put_owed_off()

    def _put_owed_off(self) -> None:
        """The next pass gives only the newest of what is owed."""
        self._put_off += len(self._owed or ())
        self._owed = None

    def flush(self, breathe: Breathe) -> None:
        """One pass: offers what changed since the last one to everyone who keeps up."""
        if self.void:
            return
        version = self._flow.version
        entries = self._changed()
        self._conflate(version, len(entries))
        self._offered = version
        if entries:
            self.work += len(entries) + A_PASS
            self.given += len(entries)
            if self.rate:
                self.next_pass = self._clock.monotonic() + 1 / self.rate
            if not self._pass(entries, version, breathe):
                return
        self._settled = self._offered
        self._bring_back(breathe)

    def announce(self, name: str, data: bytes, breathe: Breathe) -> list[Member]:
        """Offers an event to everyone who keeps up, and gives those. The others hear when they catch up."""
        if self.void:
            return []
        return self._announce((self._live, self._aside, self._ahead), name, data, breathe)

    def announce_void(self, name: str, data: bytes, breathe: Breathe) -> list[Member]:
        """Tells everyone that what they hold is void, but for those who joined after that; gives those who
        were told. The next pass gives them everything."""
        self.void = False
        return self._announce((self._live, self._aside), name, data, breathe)

    def _changed(self) -> list[Entry]:
        """What is due: each update since the last pass, or with a rate, only the newest ones."""
        owed, self._owed = self._owed, []
        if self.symbols is None and not self.rate:
            return self._flow.each_since(self._offered)
        if self.symbols is None or owed is None:
            return self._flow.since(self._offered, self.symbols)
        return owed

    def _conflate(self, version: int, given: int) -> None:
        """Counts what is left out of a pass up to this version, which gives so many."""
        put_off, self._put_off = self._put_off, 0
        if self._offered:
            came = version - self._offered if self.symbols is None else put_off
            if came > given:
                self.counts.conflated += (came - given) * (len(self._live) + len(self._aside))

    def _skip_what_concerns_nobody(self) -> None:
        """Where nothing of our symbols changed since the last pass, everyone has the newest."""
        if self.symbols is None or self._owed != [] or self.void:
            return
        if self._settled == self._offered:
            self._settled = self._flow.version
        self._offered = self._flow.version

    def _since(self, version: int) -> Delivery | None:
        entries = self._flow.since(version, self.symbols)
        return self._deliver(self.form, entries, self._flow.version) if entries else None

    def _pass(self, entries: list[Entry], version: int, breathe: Breathe) -> bool:
        """Offers entries to the live and to those aside; False if a new epoch has made it void."""
        if self._shared is not None and self._shared.renew(alone=not self._live):
            self._live |= self._aside
            self._aside.clear()
        this_pass, settled = self._begin(), self._settled
        for group in (self._live, self._aside):
            if not group or self._passes != this_pass:
                continue
            delivery = self._deliver(self._maker(group), entries, version)
            self._ledger.count(delivery.said)

            def fall_short(member: Member, sent: int, delivery: Delivery = delivery) -> None:
                self.counts.give(1, 0, sent, 0)
                member.fall_behind(*delivery.remainder(sent, settled))
                if member.tally is not None:
                    member.tally.add(delivery.begun(sent))

            whole = self._offer(delivery.data, group, fall_short, breathe)
            self.counts.give(len(whole), delivery.updates, len(delivery.data), delivery.saved)
        if self._passes != this_pass:
            return False
        self._ledger.end()
        return True

    def _announce(
        self, groups: tuple[Group, ...], name: str, data: bytes, breathe: Breathe
    ) -> list[Member]:
        this_pass = self._begin()
        told: list[Member] = []
        for group in groups:
            if not group or self._passes != this_pass:
                continue
            event = self._maker(group).event(name, data)
            alone = group is self._ahead
            if not alone:
                self._ledger.count(said_by([event]))

            def fall_short(member: Member, sent: int, event: bytes = event) -> None:
                member.fall_behind(event[sent:] if sent else b"", self.stands_at(member, 0))
                if sent:
                    _tell(member, event)

            told += self._offer(event, group, fall_short, breathe, alone=alone)
        if self._passes == this_pass:
            self._ledger.end()
        return told

    def _begin(self) -> int:
        """The number of the pass that begins."""
        self._passes += 1
        self._ledger.begin()
        return self._passes

    def _maker(self, group: Group) -> Form | Shared:
        """What makes bytes for a group: only the live share a past."""
        return self._shared if self._shared is not None and group is self._live else self.form

    def _offer(
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
                self._ledger.reach(reached)
            else:
                for member in reached:
                    _tell(member, data)
            breathe()
        return whole

    def _slices(self, group: Group) -> Iterator[list[Member]]:
        """Some members at a time. Between two slices others run: a member that left meanwhile, or left
        and joined again with newer prices, is left out."""
        this_pass = self._passes
        everyone = list(group)
        for start in range(0, len(everyone), SENDS_PER_LOOK):
            if self._passes != this_pass:
                return
            part = everyone[start : start + SENDS_PER_LOOK]
            yield [member for member in part if member in group and member.joined < this_pass]

    def _bring_back(self, breathe: Breathe) -> None:
        """Lets those who were ahead catch up with the pass."""
        for member in list(self._ahead):
            if member in self._ahead:
                member.resume(self._ahead.pop(member))
                breathe()

    def _deliver(self, maker: Form | Shared, entries: list[Entry], version: int) -> Delivery:
        size = self.form.entries_per_piece
        return deliver(entries, version, self._flow.epoch, maker.encode, size)


def _tell(member: Member, event: bytes) -> None:
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
