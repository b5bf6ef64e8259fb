"""Refusals: how often each limit was reached, for whoever watches a worker."""

from collections import Counter


class Refusals:
    """A number for each limit, by its name. Names are constants of ours: nobody else can add one."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Somebody was refused something for this limit."""
        self._counts[name] += 1

    @property
    def counts(self) -> dict[str, int]:
        """All that were ever reached, since the worker began."""
        return dict(self._counts)
