"""Board: the newest update of every symbol, in the order of their versions.

Snapshot, resume, slow clients and client-chosen rates are all one question to it: what changed
since version V, for these symbols?
"""

import logging
from collections.abc import Iterable
from itertools import islice

from relay.batch import Batch, Snapshot
from relay.feed_status import FeedStatus
from relay.ticker import Ticker

log = logging.getLogger(__name__)

#: Updates that are kept one by one, for those who keep up: one or two frames of the whole market.
LOG_ENTRIES = 2048
#: Symbols that a board takes; further ones are left out. Binance lists some 3,500.
MAX_SYMBOLS = 50_000
#: Removed symbols that a board remembers, the newest, for clients who do not know of them yet.
MAX_REMOVED = 2_000

#: (version, update)
Entry = tuple[int, Ticker]


def resume_id(epoch: str, version: int) -> str:
    """The id by which a client that stands at this version may resume: `<epoch>-<version>`."""
    return f"{epoch}-{version}"


class Board:
    """The newest of the market. Plain memory, no locks: one greenlet at a time touches it."""

    def __init__(self) -> None:
        self.epoch = ""
        self.version = 0
        #: A removal up to this version may be forgotten: an older version cannot be gone on from, for
        #: whoever knows the market as of then may know a symbol that is gone.
        self.forgotten = 0
        # The newest updates one by one, without a gap; what conflates has lost some of them.
        self._log: list[Entry] = []
        # Re-inserted at the end on every change, so that it stays ordered by version.
        self._entries: dict[str, Entry] = {}
        # Those of them that are gone, in the order in which they went.
        self._gone: dict[str, None] = {}
        self._full = False

    def __len__(self) -> int:
        return len(self._entries) - len(self._gone)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._entries and symbol not in self._gone

    @property
    def id(self) -> str:
        """Where a client stands that knows all of this board: `<epoch>-<version>`."""
        return resume_id(self.epoch, self.version)

    def get(self, symbol: str) -> Ticker | None:
        """The symbol's newest ticker, or None."""
        return self._entries[symbol][1] if symbol in self else None

    def apply(self, batch: Batch) -> bool:
        """Takes a batch in; True if it began a new epoch, so that older ids mean nothing now."""
        anew = batch.epoch != self.epoch
        if anew:
            self._clear(batch.epoch)
        entries, gone = self._entries, self._gone
        taken, refused = list(enumerate(batch.updates, batch.previous + 1)), False
        for entry in taken:
            ticker = entry[1]
            symbol = ticker.symbol
            if entries.pop(symbol, None) is None and len(entries) - len(gone) >= MAX_SYMBOLS:
                self._refuse()
                refused = True
                continue
            entries[symbol] = entry
            if gone:
                gone.pop(symbol, None)
            # What `removed` says, which is asked for thousands of times a frame.
            if not ticker.price:
                gone[symbol] = None
        if refused:
            # It has no gap, or nothing in it.
            self._log = []
        else:
            self._log += taken
        if len(self._log) > 2 * LOG_ENTRIES:
            del self._log[:-LOG_ENTRIES]
        self._forget_removals()
        self.version = batch.version
        return anew

    def load(self, snapshot: Snapshot) -> bool:
        """Takes a snapshot in, unless it is older; True if it began a new epoch."""
        anew = snapshot.epoch != self.epoch
        if not anew and snapshot.version <= self.version:
            return False
        self._clear(snapshot.epoch)
        ordered = sorted(snapshot.entries, key=lambda entry: entry[0])
        if len(ordered) > MAX_SYMBOLS + MAX_REMOVED:
            self._refuse()
            # The oldest are left out; of those that are gone, whoever knew them must hear all anew.
            del ordered[: -MAX_SYMBOLS - MAX_REMOVED]
            self.forgotten = ordered[0][0]
        self._entries = {entry[1].symbol: entry for entry in ordered}
        self._gone = {entry[1].symbol: None for entry in ordered if entry[1].removed}
        self.version = snapshot.version
        self.forgotten = max(self.forgotten, snapshot.forgotten)
        self._forget_removals()
        return anew

    def snapshot(self, feed: FeedStatus) -> Snapshot:
        """All of it, with what the feed said."""
        return Snapshot(
            self.epoch, self.version, feed, list(self._entries.values()), self.forgotten
        )

    def since(self, version: int, symbols: Iterable[str] | None = None) -> list[Entry]:
        """What changed after `version`, oldest first: of all symbols, or of the named ones.

        Removals are among it, but for version 0, which knows no symbol, and for those up to
        `forgotten`.
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
        """The version that a client's id stands for; 0 if this board cannot go on from it."""
        epoch, _, digits = resume_id.rpartition("-")
        if epoch != self.epoch or not (digits.isascii() and digits.isdigit()) or len(digits) >= 20:
            return 0
        version = int(digits)
        return version if self.forgotten <= version <= self.version else 0

    def tickers(self) -> list[Ticker]:
        """Every symbol's newest ticker, oldest change first."""
        return [entry[1] for entry in self._entries.values() if not entry[1].removed]

    def _clear(self, epoch: str) -> None:
        self.epoch, self.version, self.forgotten = epoch, 0, 0
        self._entries, self._gone, self._log = {}, {}, []
        self._full = False

    def _forget_removals(self) -> None:
        gone, entries = self._gone, self._entries
        for symbol in list(islice(gone, max(0, len(gone) - MAX_REMOVED))):
            del gone[symbol]
            self.forgotten = max(self.forgotten, entries.pop(symbol)[0])

    def _refuse(self) -> None:
        if not self._full:
            log.error("further symbols are left out: there are %d, as many as may be", MAX_SYMBOLS)
        self._full = True
