"""Board: the newest update of every symbol, in the order of their versions.

Snapshot, resume, slow clients and client-chosen rates are all one question to it: what changed
since version V, for these symbols?
"""

from collections.abc import Iterable

from relay.batch import Batch, Snapshot
from relay.ticker import Ticker

#: So many updates are kept one by one, for those who keep up: one or two frames of the whole market.
LOG_ENTRIES = 2048

#: (version, update)
Entry = tuple[int, Ticker]


class Board:
    """The newest of the market. Plain memory, no locks: one greenlet at a time touches it."""

    def __init__(self) -> None:
        self.epoch = ""
        self.version = 0
        # The newest updates one by one, without a gap; what conflates has lost some of them.
        self._log: list[Entry] = []
        # Re-inserted at the end on every change, so that it stays ordered by version.
        self._entries: dict[str, Entry] = {}
        # Of those, the symbols that are gone: kept for clients who do not know it yet.
        self._gone: set[str] = set()

    def __len__(self) -> int:
        return len(self._entries) - len(self._gone)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._entries and symbol not in self._gone

    @property
    def id(self) -> str:
        """Where a client stands that knows all of this board: `<epoch>-<version>`."""
        return f"{self.epoch}-{self.version}"

    def get(self, symbol: str) -> Ticker | None:
        """The symbol's newest ticker, or None."""
        return self._entries[symbol][1] if symbol in self else None

    def apply(self, batch: Batch) -> bool:
        """Takes a batch in; True if it began a new epoch, so that older ids mean nothing now."""
        anew = batch.epoch != self.epoch
        if anew:
            self.epoch = batch.epoch
            self._entries = {}
            self._gone = set()
            self._log = []
        entries, gone, log = self._entries, self._gone, self._log
        for entry in enumerate(batch.updates, batch.previous + 1):
            symbol = entry[1].symbol
            entries.pop(symbol, None)
            entries[symbol] = entry
            log.append(entry)
            if entry[1].removed:
                gone.add(symbol)
            elif gone:
                gone.discard(symbol)
        if len(log) > 2 * LOG_ENTRIES:
            del log[:-LOG_ENTRIES]
        self.version = batch.version
        return anew

    def load(self, snapshot: Snapshot) -> bool:
        """Takes a snapshot in, unless it is older; True if it began a new epoch."""
        anew = snapshot.epoch != self.epoch
        if not anew and snapshot.version <= self.version:
            return False
        ordered = sorted(snapshot.entries, key=lambda entry: entry[0])
        self._entries = {entry[1].symbol: entry for entry in ordered}
        self._gone = {entry[1].symbol for entry in ordered if entry[1].removed}
        self._log = []
        self.epoch, self.version = snapshot.epoch, snapshot.version
        return anew

    def since(self, version: int, symbols: Iterable[str] | None = None) -> list[Entry]:
        """What changed after `version`, oldest first: of all symbols, or of the named ones.

        Who has a version is told what is gone since; who has nothing need not know.
        """
        if symbols is not None:
            entries, left_out = self._entries, self._gone if version <= 0 else ()
            named = [entries[s] for s in symbols if s in entries and s not in left_out]
            return sorted((entry for entry in named if entry[0] > version), key=lambda e: e[0])
        if version <= 0:
            return [entry for entry in self._entries.values() if not entry[1].removed]
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

    def tickers(self) -> list[Ticker]:
        """Every symbol's newest ticker, oldest change first."""
        return [entry[1] for entry in self._entries.values() if not entry[1].removed]
