"""Generations: whether the workers that replace one have been started, or the whole server ends.

Both begin with the same signal. In the first case the address goes on to be served, and no balancer must
hear of it; in the second it must hear in time.
"""

import mmap
import struct

_RELOADED = struct.Struct("Q")
_SERVING = struct.Struct("Q")


class Generations:
    """The last worker that is to be replaced, and the newest that serves; the master and its workers share
    them."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _RELOADED.size + _SERVING.size)

    def reload(self, newest: int) -> None:
        """The master is about to replace all its workers. gunicorn counts them: 1, 2, ...; that is a worker's
        age, and a worker that takes the place of one which died has the next."""
        _RELOADED.pack_into(self._memory, 0, newest)

    def succeed(self, age: int) -> bool:
        """Whether the worker of this age has successors."""
        return age <= self._reloaded

    def serve(self, age: int) -> None:
        """The worker of this age is about to take connections."""
        _SERVING.pack_into(self._memory, _RELOADED.size, max(age, self._serving))

    def took_over(self) -> bool:
        """Whether one of the newest generation serves."""
        return self._serving > self._reloaded

    def have_served(self) -> bool:
        """Whether any worker has begun to take connections."""
        return self._serving > 0

    @property
    def _reloaded(self) -> int:
        (newest,) = _RELOADED.unpack_from(self._memory)
        return int(newest)

    @property
    def _serving(self) -> int:
        (newest,) = _SERVING.unpack_from(self._memory, _RELOADED.size)
        return int(newest)


#: Made before the master forks; the same for as long as it lives.
GENERATIONS = Generations()
