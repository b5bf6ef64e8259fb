"""Flow: what a cohort passes on, ordered by version. A board of prices is one."""

from collections.abc import Iterable
from typing import Protocol

from relay.board import Entry


class Flow(Protocol):
    """Answers the one question of the fan-out: what changed since version V, for these symbols?"""

    @property
    def epoch(self) -> str:
        """Versions of two epochs cannot be compared."""

    @property
    def version(self) -> int:
        """The version of the newest entry."""

    @property
    def forgotten(self) -> int:
        """Removals up to this version may be forgotten: nobody can go on from an older one."""

    def since(self, version: int, symbols: Iterable[str] | None = None) -> list[Entry]:
        """The newest entry of each symbol that changed after `version`, oldest first; None is all."""

    def each_since(self, version: int) -> list[Entry]:
        """Each entry after `version` by itself, oldest first, as far as that is known."""
