"""Generations: whether the workers that replace one have been started, or the whole server ends.

Both begin with the same signal. In the first case the address goes on to be served, and no balancer must
hear of it; in the second it must hear in time.
"""

import mmap
import struct

_TWO_NUMBERS = struct.Struct("QQ")


class Generations:
    """The newest worker's age and how many workers there shall be; the master and its workers share them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _TWO_NUMBERS.size)

    def note(self, newest: int, workers: int) -> None:
        """The master has started a worker. gunicorn counts them: 1, 2, ...; that is a worker's age."""
        _TWO_NUMBERS.pack_into(self._memory, 0, newest, workers)

    def succeed(self, age: int) -> bool:
        """Whether as many workers as there shall be were started after the one of this age."""
        newest, workers = _TWO_NUMBERS.unpack_from(self._memory)
        return bool(0 < workers <= newest - age)


#: Made before the master forks; the same for as long as it lives.
GENERATIONS = Generations()
