"""Board: the newest update of every symbol, in the order of their versions.

Snapshot, resume, slow clients and client-chosen rates are all one question to it: what changed
since version V, for these symbols?
"""

from collections.abc import Iterable

from relay.batch import Batch, State, Update

#: So many updates are kept one by one, for those who keep up: one or two frames of the whole market.
LOG_ENTRIES = 2048

#: (version, update)
Entry = tuple[int, Update]


class Board:
    """The newest state of the market. Plain memory, no locks: one greenlet at a time touches it."""

    def __init__(self) -> None:
        self.epoch = ""
        self.version = 0
        # The newest updates one by one, without a gap; what conflates has lost some of them.
        self._log: list[Entry] = []
        # Re-inserted at the end on every change, so that it stays ordered by version.
        self._entries: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._entries

    @property
    def id(self) -> str:
        """Where a client stands that knows all of this board: `<epoch>-<version>`."""
        return f"{self.epoch}-{self.version}"

    def get(self, symbol: str) -> Update | None:
        """The symbol's newest update, or None."""
        entry = self._entries.get(symbol)
        return entry[1] if entry else None

    def apply(self, batch: Batch) -> bool:
        """Takes a batch in; True if it began a new epoch, so that older ids mean nothing now."""
        anew = batch.epoch != self.epoch
        if anew:
            self.epoch = batch.epoch
            self._entries = {}
            self._log = []
        entries, log = self._entries, self._log
        for entry in enumerate(batch.updates, batch.previous + 1):
            symbol = entry[1].symbol
            entries.pop(symbol, None)
            entries[symbol] = entry
            log.append(entry)
        if len(log) > 2 * LOG_ENTRIES:
            del log[:-LOG_ENTRIES]
        self.version = batch.version
        return anew

    def load(self, state: State) -> bool:
        """Takes a whole state in, unless it is older; True if it began a new epoch."""
        anew = state.epoch != self.epoch
        if not anew and state.version <= self.version:
            return False
        ordered = sorted(state.entries, key=lambda entry: entry[0])
        self._entries = {entry[1].symbol: entry for entry in ordered}
        self._log = []
        self.epoch, self.version = state.epoch, state.version
        return anew

    def since(self, version: int, symbols: Iterable[str] | None = None) -> list[Entry]:
        """What changed after `version`, oldest first: of all symbols, or of the named ones."""
        if symbols is not None:
            entries = self._entries
            named = [entries[symbol] for symbol in symbols if symbol in entries]
            return sorted((entry for entry in named if entry[0] > version), key=lambda e: e[0])
        if version <= 0:
            return list(self._entries.values())
        changed = []
        for entry in reversed(self._entries.values()):
            if entry[0] <= version:
                break
            changed.append(entry)
        changed.reverse()
        return changed

    def each_since(self, version: int) -> list[Entry]:
        """Each update after `version` by itself, oldest first; only what changed where there were more
        than are kept."""
        count = self.version - version
        if count > len(self._log):
            return self.since(version)
        return self._log[-count:] if count > 0 else []

    def version_of(self, resume_id: str) -> int:
        """The version that a client's id stands for; 0 if this board cannot honour it."""
        epoch, _, version = resume_id.rpartition("-")
        if epoch != self.epoch or not (version.isascii() and version.isdigit()):
            return 0
        return int(version) if len(version) < 20 and int(version) <= self.version else 0

    def updates(self) -> Iterable[Update]:
        """Every symbol's newest update, oldest change first."""
        return (entry[1] for entry in self._entries.values())
