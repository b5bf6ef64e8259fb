"""The roll in-process: there is nobody else."""

from relay.presence import Presence


class MemoryRoll:
    """Remembers one process."""

    def __init__(self) -> None:
        self._present: list[Presence] = []

    def say(self, presence: Presence) -> None:
        """See Roll."""
        self._present = [presence]

    def read(self) -> list[Presence]:
        """See Roll."""
        return self._present
