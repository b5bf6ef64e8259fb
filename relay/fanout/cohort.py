"""Cohort: the clients that are owed the same bytes.

Its members have the same wire form, symbols and rate. What changed is encoded once for all of them and
offered to each socket without waiting. A member whose socket does not take all of it falls behind: it
gets nothing from here until it has caught up by itself and joins again.
"""

from collections.abc import Sequence

from relay.board import LOG_ENTRIES, Entry
from relay.clock import Clock
from relay.fanout.checksum import Checksum, said_by
from relay.fanout.counts import Counts
from relay.fanout.delivery import Delivery, deliver
from relay.fanout.encoding import Form, Shared
from relay.fanout.flow import Flow
from relay.fanout.guest import Guest
from relay.fanout.member import Member
from relay.fanout.ranks import Breathe, Group, Ranks, tell
from relay.fanout.recent import Recent
from relay.fanout.terms import Terms

#: As so many entries a pass counts.
A_PASS = 8


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
        self._ranks = Ranks()
        # During a pass some of the live have `_offered` and the others still `_settled`.
        self._offered = self._settled = flow.version
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
        if self._ranks.hold(member):
            return self._settled
        return self._ranks.ahead.get(member, version)

    def total_of(self, member: Member) -> Checksum:
        """Of what everyone was given here, as far as this member has it: see Tally."""
        return self._ranks.total_of(member)

    def entries_of(self, symbols: Sequence[str]) -> list[Entry]:
        """The newest entry of each of these symbols that has a price."""
        return self._flow.since(0, symbols)

    def start_anew(self) -> None:
        """Nobody can go on from what they have, and a pass that runs is void."""
        self.void = True
        self.next_pass = 0.0
        self._offered = self._settled = 0
        self._ranks.start_anew()
        self._owed = None
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
        ranks = self._ranks
        if version > self._offered:
            ranks.join_ahead(member, version)
        else:
            ranks.join(member, ranks.live if self._shared is None else ranks.aside)
        return True

    def drop(self, member: Member) -> None:
        """From here on the member gets nothing from us."""
        self._ranks.drop(member)

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
        self._ranks.bring_back(breathe)

    def announce(self, name: str, data: bytes, breathe: Breathe) -> list[Member]:
        """Offers an event to everyone who keeps up, and gives those. The others hear when they catch up."""
        if self.void:
            return []
        ranks = self._ranks
        return self._announce((ranks.live, ranks.aside, ranks.ahead), name, data, breathe)

    def announce_void(self, name: str, data: bytes, breathe: Breathe) -> list[Member]:
        """Tells everyone that what they hold is void, but for those who joined after that; gives those who
        were told. The next pass gives them everything."""
        self.void = False
        return self._announce((self._ranks.live, self._ranks.aside), name, data, breathe)

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
                self.counts.conflated += (came - given) * len(self._ranks)

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
        ranks = self._ranks
        if self._shared is not None and self._shared.renew(alone=not ranks.live):
            ranks.close()
        this_pass, settled = ranks.begin(), self._settled
        for group in (ranks.live, ranks.aside):
            if not group or ranks.passes != this_pass:
                continue
            delivery = self._deliver(self._maker(group), entries, version)
            ranks.ledger.count(delivery.said)

            def fall_short(member: Member, sent: int, delivery: Delivery = delivery) -> None:
                self.counts.give(1, 0, sent, 0)
                member.fall_behind(*delivery.remainder(sent, settled))
                if member.tally is not None:
                    member.tally.add(delivery.begun(sent))

            whole = ranks.offer(delivery.data, group, fall_short, breathe)
            self.counts.give(len(whole), delivery.updates, len(delivery.data), delivery.saved)
        if ranks.passes != this_pass:
            return False
        ranks.ledger.end()
        return True

    def _announce(
        self, groups: tuple[Group, ...], name: str, data: bytes, breathe: Breathe
    ) -> list[Member]:
        ranks = self._ranks
        this_one = ranks.begin()
        told: list[Member] = []
        for group in groups:
            if not group or ranks.passes != this_one:
                continue
            event = self._maker(group).event(name, data)
            alone = group is ranks.ahead
            if not alone:
                ranks.ledger.count(said_by([event]))

            def fall_short(member: Member, sent: int, event: bytes = event) -> None:
                member.fall_behind(event[sent:] if sent else b"", self.stands_at(member, 0))
                if sent:
                    tell(member, event)

            told += ranks.offer(event, group, fall_short, breathe, alone=alone)
        if ranks.passes == this_one:
            ranks.ledger.end()
        return told

    def _maker(self, group: Group) -> Form | Shared:
        """What makes bytes for a group: only the live share a past."""
        return self._shared if self._shared is not None and group is self._ranks.live else self.form

    def _deliver(self, maker: Form | Shared, entries: list[Entry], version: int) -> Delivery:
        size = self.form.entries_per_piece
        return deliver(entries, version, self._flow.epoch, maker.encode, size)
