"""Succession: which batch follows on which, and what to think of one that does not.

Anybody who reaches Redis can publish. A batch that follows on the last one is believed at first; where a
later one contradicts it, what is held decides which of the two was ours.
"""

import secrets
from typing import TypeVar

import msgspec

from relay.batch import Batch, Snapshot
from relay.store.held import Held

_Item = TypeVar("_Item", Batch, Snapshot)


class Succession:
    """What came over one subscription, since what is held was loaded."""

    def __init__(self) -> None:
        self.epoch = ""
        self.version = 0
        # What was published up to this version, and comes only now, is in what was loaded.
        self._loaded = 0
        # The last batch with updates that was taken since, as it came.
        self._last: bytes | None = None
        # What the epoch is called here: another name than its own once something forged was taken for a
        # part of it, since ids of that have been given away.
        self._name = ""

    def is_old(self, batch: Batch) -> bool:
        """Whether it was published before what is held was loaded."""
        return batch.epoch == self.epoch and batch.version <= self._loaded and not self._at(batch)

    def take(self, batch: Batch, data: bytes) -> Batch | None:
        """The batch, if it goes on from here."""
        if batch.epoch != self.epoch or not self._at(batch):
            return None
        if batch.updates:
            self.version, self._loaded, self._last = batch.version, 0, data
        return self._named(batch)

    def contradicts(self, found: Held) -> bool:
        """Whether what was taken last is no part of what is held."""
        return (
            found.snapshot.epoch == self.epoch
            and self._last is not None
            and self._last not in found.rows
        )

    def load(self, found: Held) -> Snapshot:
        """Goes on from what is held, whatever was taken before."""
        snapshot = found.snapshot
        if self.contradicts(found):
            self._name = f"{snapshot.epoch[:30]}x{secrets.token_hex(3)}"
        elif snapshot.epoch != self.epoch:
            self._name = snapshot.epoch
        self.epoch = snapshot.epoch
        self.version = self._loaded = snapshot.version
        self._last = None
        return self._named(snapshot)

    def begin(self, batch: Batch, data: bytes) -> Batch:
        """Begins with the first batch of an epoch, where nothing that is held can be read."""
        self.epoch = self._name = batch.epoch
        self.version, self._loaded, self._last = batch.version, 0, data
        return batch

    def _at(self, batch: Batch) -> bool:
        return batch.previous == self.version

    def _named(self, item: _Item) -> _Item:
        if self._name == item.epoch:
            return item
        return msgspec.structs.replace(item, epoch=self._name)
