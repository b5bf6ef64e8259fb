"""The Redis demands, a worker's side: one asks for all who wait, and one hears what was answered."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import gevent
from gevent.event import Event
from redis.client import PubSub
from redis.exceptions import RedisError

from relay.backoff import Backoff
from relay.clock import SYSTEM, Clock
from relay.store import demand_scripts, keys
from relay.store.connect import MISREAD, connect, in_time
from relay.store.contract import MAX_NAME, Refused, StoreUnavailable, Unanswered
from relay.store.failure import reason, unavailable
from relay.store.redis_orders import MAX_DEMANDS
from relay.store.waits import MAX_WAITS, Wait, Waits, is_name, unanswered, wait_for_all
from relay.turn import give_turn

log = logging.getLogger(__name__)

#: Seconds after which what is waited for is demanded again: whoever took it may have died.
RENEW_SECONDS = 2.0
#: Names that are asked for at a time: Redis does nothing else meanwhile, for about a millisecond.
_NAMES = 100
#: Names that wait to be sent, though nobody waits for their answers, at most.
MAX_POSTED = 1_000
#: Names that wait to be sent at most. One that is left out is sent when it is demanded again.
MAX_DUE = MAX_POSTED + MAX_WAITS
#: Seconds between two signs of life of the subscription, and until it counts as dead without one.
_PING_SECONDS, _SILENT_SECONDS = 1.0, 3.0
#: Messages between two turns of everybody else.
_MESSAGES = 50


class RedisDemands:
    """One worker's way to what only the listener can get."""

    def __init__(self, url: str, *, clock: Clock = SYSTEM) -> None:
        self._redis = connect(url)
        self._ask = self._redis.register_script(demand_scripts.ASK)
        self._clock = clock
        self._waits = Waits()
        #: Names to be sent to Redis now, and whether they are urgent.
        self._due: dict[str, bool] = {}
        self._bell = Event()
        #: Why Redis could not be asked the last time, if it could not.
        self._problem: StoreUnavailable | None = None
        self._asking: gevent.Greenlet[..., None] | None = None
        self._hearing: gevent.Greenlet[..., None] | None = None

    def ask(self, names: Sequence[str], seconds: float, *, urgent: bool = True) -> None:
        """Demands these, and waits until each is answered. See Demands."""
        self._start()
        with self._waits.joined(names, urgent) as waits:
            self._send({name: urgent for name, wait in waits.items() if not wait.over.is_set()})
            late = wait_for_all(waits, seconds)
        if not late:
            return
        if self._problem is not None:
            raise StoreUnavailable(str(self._problem), self._problem.detail)
        raise unanswered(max(waits[name].place for name in late), seconds)

    def post(self, names: Sequence[str], *, urgent: bool = True) -> None:
        """Demands these, and does not wait, not even for Redis. See Demands."""
        self._start()
        room = max(0, MAX_POSTED - len(self._due))
        self._send({name: urgent for name in names[:room] if is_name(name)})

    def _start(self) -> None:
        """Begins to ask and to hear, in the process that has something to ask for."""
        if self._asking is None or self._asking.dead:
            self._asking = gevent.spawn(self._keep_asking)
        if self._hearing is None or self._hearing.dead:
            self._hearing = gevent.spawn(self._keep_hearing)

    def _send(self, names: dict[str, bool]) -> None:
        for name, urgent in names.items():
            if name in self._due or len(self._due) < MAX_DUE:
                self._due[name] = urgent or self._due.get(name, False)
        if names:
            self._bell.set()

    def _send_all(self) -> None:
        """Looks again after everything that is waited for."""
        self._send(dict.fromkeys(self._waits, False))

    def _keep_asking(self) -> None:
        backoff = Backoff(first=0.1, cap=1.0)
        renewed = self._clock.monotonic()
        while True:
            self._bell.wait(RENEW_SECONDS / 4)
            self._bell.clear()
            if self._clock.monotonic() - renewed >= RENEW_SECONDS:
                renewed = self._clock.monotonic()
                self._send_all()
            try:
                while self._due:
                    self._ask_some()
                    give_turn()
            except (RedisError, *MISREAD) as error:
                self._problem = unavailable(error)
                log.debug("nothing can be demanded: %s", self._problem.logged)
                gevent.sleep(backoff.next())
                continue
            self._problem = None
            backoff.reset()

    def _ask_some(self) -> None:
        """Sends the first that are due. Raises RedisError or one of MISREAD; then they are due still."""
        due = {name: self._due.pop(name) for name in list(self._due)[:_NAMES]}
        marks: list[str] = []
        args: list[str | int | bytes] = [MAX_DEMANDS]
        for name, urgent in due.items():
            wait = self._waits.get(name)
            marks += [keys.ANSWERED + name, keys.REFUSED + name, keys.TAKEN + name]
            if wait is None:
                args += [name, int(urgent), b""]
            else:
                args += [name, int(urgent or wait.urgent), wait.seen]
        try:
            with in_time():
                said = self._ask(keys=[keys.HEAD, keys.DEMANDS, keys.BELL, *marks], args=args)
        except BaseException:
            self._send(due)
            raise
        if len(said) != 3 * len(due):
            raise ValueError(f"{len(said)} answers to {len(due)} demands")
        for name, word, detail, mark in zip(due, said[::3], said[1::3], said[2::3], strict=True):
            wait = self._waits.get(name)
            if wait is not None:
                self._learn(name, wait, word, detail, mark)

    def _learn(self, name: str, wait: Wait, word: bytes, detail: Any, mark: object) -> None:
        """What Redis says of one that is waited for. Raises one of MISREAD."""
        if not isinstance(mark, bytes):
            raise ValueError(f"{mark!r:.100} is no mark")
        wait.seen = wait.seen or mark
        wait.place = int(detail) if word == b"waits" else 0
        if word == b"answered":
            self._waits.end(name)
        elif word == b"refused":
            self._waits.end(name, Refused, detail.decode(errors="replace"))
        elif word == b"full":
            self._waits.end(name, Unanswered, f"{detail} others wait for their turn already")

    def _keep_hearing(self) -> None:
        backoff = Backoff(first=0.1, cap=1.0)
        while True:
            subscription = self._redis.pubsub()  # type: ignore[no-untyped-call]
            try:
                with in_time():
                    subscription.subscribe(keys.ANSWERS)
                self._hear(subscription, backoff)
            except (RedisError, *MISREAD) as error:
                log.debug("answers cannot be heard, they are looked for: %s", reason(error))
            finally:
                with suppress(RedisError, *MISREAD):
                    subscription.close()
            gevent.sleep(backoff.next())

    def _hear(self, subscription: PubSub, backoff: Backoff) -> None:
        """One subscription's life; ends when it shows no sign of one."""
        heard = pinged = self._clock.monotonic()
        count = 0
        while self._clock.monotonic() - heard < _SILENT_SECONDS:
            with in_time():
                message = subscription.get_message(timeout=_PING_SECONDS)
                if self._clock.monotonic() - pinged >= _PING_SECONDS:
                    subscription.ping()
                    pinged = self._clock.monotonic()
            if message is None:
                continue
            heard = self._clock.monotonic()
            count += 1
            if count % _MESSAGES == 0:
                give_turn()
            if message["type"] == "message":
                self._hear_of(message["data"])
            elif message["type"] == "subscribe":
                # Also one that the library sent by itself: answers may have been missed.
                backoff.reset()
                self._send_all()

    def _hear_of(self, data: bytes) -> None:
        """A name that was answered or refused, or what somebody else published: Redis knows."""
        name = data[: 4 * MAX_NAME + 1].decode(errors="replace")
        if self._waits.get(name) is not None:
            self._send({name: False})
