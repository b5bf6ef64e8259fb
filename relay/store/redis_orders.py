"""The Redis demands, the listener's side: only the holder of the lease takes any."""

import logging
from collections.abc import Callable
from math import ceil

import gevent
from redis.commands.core import Script
from redis.exceptions import RedisError

from relay.clock import SYSTEM, Clock
from relay.store import demand_scripts, keys
from relay.store.connect import COMMAND_SECONDS, MISREAD, connect, in_time
from relay.store.contract import MAX_NAME
from relay.store.failure import reason, unavailable

log = logging.getLogger(__name__)

#: Demands that wait for their turn at most.
MAX_DEMANDS = 2_000
#: Seconds until a standby, or one that hears of no demand, looks again.
LOOK_SECONDS = COMMAND_SECONDS / 2
#: Characters of a reason at most.
MAX_REASON = 200
#: BLPOP waits for ever where it is to wait for 0 s.
_SHORTEST_WAIT = 0.01
#: Bytes of a name at most: a character takes up to four.
_NAME_BYTES = 4 * MAX_NAME


class RedisOrders:
    """One listener's way to what workers demand. It has connections of its own."""

    def __init__(self, url: str, token: Callable[[], str], *, clock: Clock = SYSTEM) -> None:
        """`token` gives what the listener holds the lease under at present."""
        self._redis = connect(url)
        self._token = token
        self._clock = clock
        register = self._redis.register_script
        self._take = register(demand_scripts.TAKE)
        self._answer = register(demand_scripts.ANSWER)
        self._refuse = register(demand_scripts.REFUSE)

    def take(self, seconds: float) -> str | None:
        """The demand whose turn it is, waiting for one. See Orders."""
        deadline = self._clock.monotonic() + seconds
        while True:
            # Never cut short: what Redis has given away by then would be lost.
            word, name = self._look()
            if word == b"taken":
                return name
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return None
            pause = min(LOOK_SECONDS, max(left, _SHORTEST_WAIT))
            if word == b"none":
                self._wait_for_bell(pause)
            elif word == b"held":
                gevent.sleep(pause)

    def answer(self, name: str) -> None:
        """What was demanded stands in the archive. See Orders."""
        marks = [keys.TAKEN + name, keys.ANSWERED + name, keys.REFUSED + name]
        self._tell(self._answer, marks, [name])

    def refuse(self, name: str, reason: str, seconds: float) -> None:
        """It cannot be had, and asking again within so many seconds is no use. See Orders.

        Asking is no use for a second at least, and an hour at most.
        """
        least, most = demand_scripts.MIN_REFUSAL, demand_scripts.MAX_REFUSAL
        milliseconds = min(max(ceil(seconds * 1000), least), most)
        marks = [keys.TAKEN + name, keys.REFUSED + name]
        self._tell(self._refuse, marks, [name, reason[:MAX_REASON], milliseconds])

    def _look(self) -> tuple[bytes, str]:
        """Takes the first. A word for what came of it, and the name. Raises StoreUnavailable."""
        try:
            with in_time():
                word, name = self._take(
                    keys=[keys.HEAD, keys.DEMANDS, keys.BELL],
                    args=[self._token(), MAX_DEMANDS, _NAME_BYTES, keys.TAKEN],
                )
            if word not in (b"taken", b"none", b"held", b"more"):
                raise ValueError(f"{word!r:.100}")
            return word, name.decode()
        except UnicodeDecodeError:
            log.debug("dropped a demand that is no text")
            return b"more", ""
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error

    def _wait_for_bell(self, seconds: float) -> None:
        """Returns once a demand was made, or after so many seconds. Raises StoreUnavailable."""
        try:
            with in_time():
                self._redis.blpop([keys.BELL], timeout=seconds)
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error

    def _tell(self, script: Script, marks: list[str], args: list[str | int]) -> None:
        try:
            with in_time():
                script(keys=[keys.DEMANDS, *marks], args=args)
        except (RedisError, *MISREAD) as error:
            # Whoever still waits will demand it again.
            log.info("nobody could be told what became of %a: %s", args[0], reason(error))
