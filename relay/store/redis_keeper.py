"""The Redis archive, the writer's side: only the holder of the lease writes."""

from collections.abc import Callable, Sequence

from redis.commands.core import Script
from redis.exceptions import RedisError

from relay.store import archive_scripts, keys
from relay.store.connect import MISREAD, in_time
from relay.store.contract import LeaseHeld, Patch
from relay.store.failure import text, unavailable
from relay.store.redis_archive import RedisArchive
from relay.turn import give_turn

#: Values that are written at a time: Redis does nothing else meanwhile, for less than a millisecond.
PATCHES = 100


class RedisKeeper(RedisArchive):
    """One listener's way to what is kept in Redis. It has connections of its own."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """`token` gives what the listener holds the lease under at present."""
        super().__init__(url)
        self._token = token
        register = self._redis.register_script
        self._patch = register(archive_scripts.PATCH)
        self._put = register(archive_scripts.PUT)

    def patch(self, patches: Sequence[Patch]) -> list[str]:
        """Writes parts of values. See Keeper."""
        whole: list[str] = []
        for start in range(0, len(patches), PATCHES):
            some = patches[start : start + PATCHES]
            args: list[str | int | bytes] = [
                part for p in some for part in (p.offset, p.data, p.seconds)
            ]
            left = self._run(self._patch, [keys.HISTORY + patch.name for patch in some], args)
            whole += [some[number].name for number in left or ()]
            give_turn()
        return whole

    def put(self, name: str, value: bytes, seconds: int, most: int = 0) -> None:
        """Writes a whole value. See Keeper."""
        args: list[str | int | bytes] = [value, seconds, most, name, keys.HISTORY]
        self._run(self._put, [keys.HISTORY + name, _order(name)], args)

    def _run(
        self, script: Script, written: list[str], args: Sequence[str | int | bytes]
    ) -> list[int] | None:
        """What a script answers. Raises LeaseHeld or StoreUnavailable."""
        try:
            with in_time():
                answer = script(keys=[keys.HEAD, *written], args=[self._token(), *args])
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error
        if isinstance(answer, bytes):
            raise LeaseHeld(text(answer))
        return answer if isinstance(answer, list) else None


def _order(name: str) -> str:
    return keys.ORDER + name.partition("/")[0]
