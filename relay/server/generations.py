"""Generations: whether the workers that replace one have been started, or the whole server ends.

Both begin with the same signal. In the first case the address goes on to be served, and no balancer must
hear of it; in the second it must hear in time.
"""

import mmap
import struct

_NUMBERS = struct.Struct("QQ")
_SERVING = struct.Struct("Q")


class Generations:
    """The newest worker's age, how many workers there shall be, and the newest that serves; the master and
    its workers share them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NUMBERS.size + _SERVING.size)

    def note(self, newest: int, workers: int) -> None:
        """The master has started a worker. gunicorn counts them: 1, 2, ...; that is a worker's age."""
        _NUMBERS.pack_into(self._memory, 0, newest, workers)

    def succeed(self, age: int) -> bool:
        """Whether as many workers as there shall be were started after the one of this age."""
        newest, workers = _NUMBERS.unpack_from(self._memory)
        return bool(0 < workers <= newest - age)

    def serve(self, age: int) -> None:
        """The worker of this age is about to take connections."""
        (newest,) = _SERVING.unpack_from(self._memory, _NUMBERS.size)
        _SERVING.pack_into(self._memory, _NUMBERS.size, max(age, newest))

    def took_over(self) -> bool:
        """Whether one of the newest generation serves."""
        newest, workers = _NUMBERS.unpack_from(self._memory)
        (serving,) = _SERVING.unpack_from(self._memory, _NUMBERS.size)
        return bool(serving > newest - workers)


#: Made before the master forks; the same for as long as it lives.
GENERATIONS = Generations()
