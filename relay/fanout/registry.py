"""Registry: the cohorts there are, and which of them want a symbol."""

from collections.abc import Callable, Iterator

from relay.fanout.cohort import Cohort
from relay.fanout.member import Member
from relay.fanout.terms import Terms

#: Cohorts that may compress, each with a past of 256 KiB (zlib, memory usage).
MAX_COMPRESSING = 32


class Registry:
    """Cohorts by what they give, for as long as they have members."""

    def __init__(self, make: Callable[[Terms], Cohort]) -> None:
        self._make = make
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

    def enter(self, member: Member, terms: Terms) -> Cohort:
        """Makes it a member of the cohort with these terms."""
        cohort = self._cohorts.get(terms)
        if cohort is None:
            cohort = self._cohorts[terms] = self._make(terms)
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
        for wanting in self._wanted_by(cohort):
            wanting.discard(cohort)
        for symbol in cohort.symbols or ():
            if not self._wanting[symbol]:
                del self._wanting[symbol]

    def _wanted_by(self, cohort: Cohort) -> Iterator[set[Cohort]]:
        if cohort.symbols is None:
            yield self.wanting_all
        else:
            for symbol in cohort.symbols:
                yield self._wanting.setdefault(symbol, set())
