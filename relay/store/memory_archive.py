"""The in-process archive: values that outlive a moment, though not this process."""

from collections import OrderedDict
from collections.abc import Sequence

from relay.clock import SYSTEM, Clock
from relay.store.contract import Patch
from relay.turn import give_turn

#: Bytes of all values together; beyond, the oldest go.
MAX_BYTES = 512 << 20
#: Bytes that a value takes besides its own and its name's, about.
_OVERHEAD = 250
#: Seconds between two looks for values whose time is over.
SWEEP_SECONDS = 60.0
#: Values that are looked at between two turns of everybody else.
_SWEPT = 5_000
_RAW = b"R"


class _Value:
    """What stands under a name, until when."""

    __slots__ = ("data", "expires", "family")

    def __init__(self, data: bytearray | bytes, expires: float, family: str) -> None:
        self.data = data
        self.expires = expires
        #: The family it is counted in, if only so many of that are kept.
        self.family = family


class MemoryArchive:
    """Both sides of an archive: see Archive and Keeper."""

    def __init__(self, *, clock: Clock = SYSTEM, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        #: The one that was new longest ago comes first.
        self._values: OrderedDict[str, _Value] = OrderedDict()
        #: The names in each family of which only so many are kept, the one put longest ago first.
        self._orders: dict[str, OrderedDict[str, None]] = {}
        self._swept = clock.monotonic()
        #: Bytes of all values together, about.
        self.size = 0

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The values under these names. See Archive."""
        return [
            None if (value := self._live(name)) is None else bytes(value.data) for name in names
        ]

    def patch(self, patches: Sequence[Patch]) -> list[str]:
        """Writes parts of values. See Keeper."""
        whole = []
        for patch in patches:
            value = self._live(patch.name)
            if value is None:
                value = self._add(patch.name, bytearray(_RAW), patch.seconds)
            elif not value.data.startswith(_RAW):
                whole.append(patch.name)
                continue
            data, end = bytearray(value.data), patch.offset + len(patch.data)
            data.extend(bytes(max(0, end - len(data))))
            data[patch.offset : end] = patch.data
            self.size += len(data) - len(value.data)
            value.data = data
            value.expires = self._clock.monotonic() + patch.seconds
        self._tidy()
        return whole

    def put(self, name: str, value: bytes, seconds: int, most: int = 0) -> None:
        """Writes a whole value. See Keeper."""
        self._remove(name)
        family = name.partition("/")[0] if most else ""
        self._add(name, value, seconds, family)
        if family:
            order = self._orders.setdefault(family, OrderedDict())
            order[name] = None
            while len(order) > most:
                self._remove(next(iter(order)))
        self._tidy()

    def _live(self, name: str) -> _Value | None:
        value = self._values.get(name)
        if value is not None and value.expires <= self._clock.monotonic():
            self._remove(name)
            return None
        return value

    def _add(self, name: str, data: bytearray | bytes, seconds: int, family: str = "") -> _Value:
        value = _Value(data, self._clock.monotonic() + seconds, family)
        self._values[name] = value
        self.size += len(data) + len(name) + _OVERHEAD
        return value

    def _remove(self, name: str) -> None:
        value = self._values.pop(name, None)
        if value is None:
            return
        self.size -= len(value.data) + len(name) + _OVERHEAD
        if value.family:
            del self._orders[value.family][name]

    def _tidy(self) -> None:
        """Takes away what is over, now and then, and the oldest where there is too much."""
        now = self._clock.monotonic()
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self._sweep()
        while self.size > self._max_bytes:
            self._remove(self._oldest())

    def _sweep(self) -> None:
        for number, name in enumerate(list(self._values)):
            self._live(name)
            if number % _SWEPT == 0:
                give_turn()

    def _oldest(self) -> str:
        """The first to go: one of those of which only so many are kept, for it can be had again."""
        order = max(self._orders.values(), key=len, default=None)
        return next(iter(order or self._values))
