"""A listener's place taken by a test: an archive that holds what the test puts there, and demands that are
answered as the test says."""

from collections.abc import Callable, Sequence

from relay.history.library import Library
from relay.store.contract import StoreUnavailable


class Shelf:
    """An archive in a dict. Unavailable when it is told to be."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.available = True
        #: The names of each read.
        self.reads: list[list[str]] = []

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        self.reads.append(list(names))
        if not self.available:
            raise StoreUnavailable("redis: it is away")
        return [self.values.get(name) for name in names]


class Wants:
    """Demands that are noted, and answered by a function of the test."""

    def __init__(self) -> None:
        #: What was demanded and waited for, for how long, and whether it was urgent.
        self.asked: list[tuple[list[str], float, bool]] = []
        self.posted: list[str] = []
        self.supply: Callable[[Sequence[str]], None] = lambda _: None

    def ask(self, names: Sequence[str], seconds: float, *, urgent: bool = True) -> None:
        self.asked.append((list(names), seconds, urgent))
        self.supply(names)

    def post(self, names: Sequence[str], *, urgent: bool = True) -> None:  # noqa: ARG002
        self.posted += names


def nothing_past() -> Library:
    """What is known where nothing is kept, and nobody fetches anything."""
    return Library(Shelf(), Wants())
