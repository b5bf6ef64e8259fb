"""Registry: the cohorts there are, and which of them want a symbol."""

from collections.abc import Callable, Iterator

from relay.fanout.cohort import Cohort
from relay.fanout.door import Full, GuestFull
from relay.fanout.guest import Guest
from relay.fanout.member import Member
from relay.fanout.terms import Terms
from relay.refusals import Refusals

#: Cohorts that may compress, each with a past of 256 KiB (zlib, memory usage).
MAX_COMPRESSING = 32
#: Symbols that all cohorts of a worker may name, each about 0.15 KiB.
MAX_NAMED = 500_000
#: As so many symbols a cohort counts at least, and one that gets all of them.
LEAST, EVERYTHING = 8, 512


class Registry:
    """Cohorts by what they give, for as long as they have members."""

    def __init__(self, make: Callable[[Terms], Cohort], refusals: Refusals | None = None) -> None:
        """A cohort counts for the guest for whom it is made. One that is there already costs nobody
        anything."""
        self._make = make
        self._refusals = refusals or Refusals()
        # Of all cohorts.
        self._symbols = 0
        self._cohorts: dict[Terms, Cohort] = {}
        #: Those that get every symbol.
        self.wanting_all: set[Cohort] = set()
        self._wanting: dict[str, set[Cohort]] = {}

    def __iter__(self) -> Iterator[Cohort]:
        """Every cohort there is at the moment."""
        return iter(list(self._cohorts.values()))

    def __len__(self) -> int:
        """The number of cohorts."""
        return len(self._cohorts)

    @property
    def names_symbols(self) -> bool:
        """Whether any cohort has named its symbols."""
        return bool(self._wanting)

    def wanting(self, symbol: str) -> set[Cohort] | tuple[()]:
        """The cohorts that have named this symbol."""
        return self._wanting.get(symbol, ())

    def may_compress(self, terms: Terms) -> bool:
        """Whether clients may share compressed bytes there: all symbols, and not too many such cohorts."""
        if terms.symbols is not None:
            return False
        compressing = sum(cohort.compresses for cohort in self.wanting_all)
        return compressing < MAX_COMPRESSING or terms in self._cohorts

    def check(self, guest: Guest, terms: Terms, leaving: Cohort | None = None) -> None:
        """Raises Full where a guest may not have a cohort with these terms, also once its one member has
        left `leaving`."""
        if terms in self._cohorts:
            return
        more = _size(terms)
        freed = _size(leaving.terms) if leaving is not None and len(leaving.members) == 1 else 0
        if self._symbols + more - freed > MAX_NAMED:
            self._refusals.count("SYMBOLS_NAMED")
            raise Full("the streams of this worker name as many symbols as they may")
        if leaving is None or leaving.guest is not guest:
            freed = 0
        bounds = guest.bounds
        if bounds.symbols and guest.symbols + more - freed > bounds.symbols:
            self._refusals.count(bounds.setting("SYMBOLS"))
            deed = "asks for too many lists of symbols that nobody else asks for"
            raise GuestFull(bounds.reason(deed, "SYMBOLS"))

    def enter(self, member: Member, terms: Terms, guest: Guest) -> Cohort:
        """Makes it a member of the cohort with these terms, which `check` allows."""
        cohort = self._cohorts.get(terms)
        if cohort is None:
            cohort = self._cohorts[terms] = self._make(terms)
            cohort.guest = guest
            self._count(cohort, 1)
            for wanting in self._wanted_by(cohort):
                wanting.add(cohort)
        cohort.members.add(member)
        return cohort

    def leave(self, member: Member, cohort: Cohort) -> None:
        """Takes a member out of its cohort; the last one to leave ends the cohort."""
        cohort.drop(member)
        cohort.members.discard(member)
        if cohort.members or self._cohorts.get(cohort.terms) is not cohort:
            return
        del self._cohorts[cohort.terms]
        self._count(cohort, -1)
        for wanting in self._wanted_by(cohort):
            wanting.discard(cohort)
        for symbol in cohort.symbols or ():
            if not self._wanting[symbol]:
                del self._wanting[symbol]

    def _count(self, cohort: Cohort, sign: int) -> None:
        size = sign * _size(cohort.terms)
        self._symbols += size
        cohort.guest.symbols += size

    def _wanted_by(self, cohort: Cohort) -> Iterator[set[Cohort]]:
        if cohort.symbols is None:
            yield self.wanting_all
        else:
            for symbol in cohort.symbols:
                yield self._wanting.setdefault(symbol, set())


def _size(terms: Terms) -> int:
    """As how many symbols it counts: a cohort that gets them all has as much to do as one with many."""
    return EVERYTHING if terms.symbols is None else max(len(terms.symbols), LEAST)
