"""The Redis archive, the reader's side: values that outlive a moment. relay/store/keys.py has the keys."""

from collections.abc import Sequence

from gevent.lock import BoundedSemaphore
from redis.exceptions import RedisError

from relay.store import archive_scripts, keys
from relay.store.connect import ANSWER_SECONDS, MISREAD, connect, in_time
from relay.store.contract import StoreUnavailable
from relay.store.failure import unavailable
from relay.turn import give_turn

#: Bytes of a value beyond which it is none of ours: a page takes 1 MiB at most.
MAX_VALUE_BYTES = 4 << 20
#: Bytes that one answer of Redis holds at most, if it holds more than one value.
ANSWER_BYTES = 4 << 20
#: Bytes that are read at a time at most, whatever others put under our names.
MAX_READ_BYTES = 64 << 20
#: Values of one answer.
_VALUES = 200
#: Readers that Redis answers at a time, each over a connection of its own; the others wait for their turn.
READERS = 8


class RedisArchive:
    """One process's way to what is kept in Redis."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._read = self._redis.register_script(archive_scripts.READ)
        self._turn = BoundedSemaphore(READERS)

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The values under these names. See Archive.

        What is too large, or is no string, is none of ours: None.
        """
        values: list[bytes | None] = []
        size = 0
        while len(values) < len(names):
            some = self._some(names[len(values) : len(values) + _VALUES])
            size += sum(len(value) for value in some if value is not None)
            if size > MAX_READ_BYTES:
                raise StoreUnavailable(f"more than {MAX_READ_BYTES} bytes stand under these names")
            values += some
            give_turn()
        return values

    def _some(self, names: Sequence[str]) -> list[bytes | None]:
        """The first of these values, at least one. Raises StoreUnavailable."""
        if not self._turn.acquire(timeout=ANSWER_SECONDS):
            raise StoreUnavailable(f"no turn to read within {ANSWER_SECONDS:g} s")
        try:
            with in_time():
                found = self._read(
                    keys=[keys.HISTORY + name for name in names],
                    args=[MAX_VALUE_BYTES, ANSWER_BYTES],
                )
            if not 0 < len(found) <= len(names):
                raise ValueError(f"{len(found)} values of {len(names)}")
            if not all(value is None or isinstance(value, bytes) for value in found):
                raise ValueError("a value that is no string")
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error
        finally:
            self._turn.release()
        return list(found)
