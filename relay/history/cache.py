"""Cache: what was read and decoded, kept while it is asked for, up to so many bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """The value that was asked for longest ago goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        #: What all values take, as far as those who put them said.
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> T | None:
        """The value under this key, which is asked for now; None where it is not here."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: T, size: int) -> None:
        """Keeps a value that takes `size` bytes; one that is larger than all may be is not kept."""
        self.drop(key)
        if size > self._most:
            return
        self._values[key] = value, size
        self.bytes += size
        while self.bytes > self._most:
            _, (_, gone) = self._values.popitem(last=False)
            self.bytes -= gone

    def drop(self, key: Hashable) -> None:
        """Forgets the value under this key, if there is one."""
        found = self._values.pop(key, None)
        if found is not None:
            self.bytes -= found[1]
