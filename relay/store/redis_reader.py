"""The Redis store, the reader's side: a snapshot, and every batch after it. For ever."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gevent
from redis.client import PubSub
from redis.exceptions import RedisError

from relay.absences import never
from relay.backoff import Backoff
from relay.batch import BEAT_SECONDS, STALE_SECONDS, Batch, Snapshot, Unreadable, decode_batch
from relay.clock import SYSTEM, Clock
from relay.feed_status import FeedStatus
from relay.store import held, keys
from relay.store.connect import MISREAD, connect, in_time
from relay.store.contract import SnapshotLost
from relay.store.failure import unavailable
from relay.store.seal import BadSeal, seal_of
from relay.store.succession import Succession
from relay.turn import give_turn

log = logging.getLogger(__name__)

#: Seconds between two looks at what is held, whatever comes: each costs Redis and us some milliseconds.
_LOOK_SECONDS = 0.25
#: Messages between two turns of everybody else, be they ours or not.
_MESSAGES = 50
#: Seconds between two lines of the log on what is none of ours.
_COMPLAINT_SECONDS = 60.0
#: What keeps us from prices, by the hop to blame.
_NO_BEAT = "listener: no beat from it"
_FOREIGN = "redis: what comes is none of our listener's"
_LOST = "redis: what Redis holds is lost, and not written anew yet"


class _OwnPause(Exception):
    """This process did not run for a while: that says nothing of Redis or of the listener."""


class RedisUpdates:
    """One worker's subscription, whatever becomes of Redis."""

    def __init__(
        self,
        url: str,
        secret: str = "",
        *,
        away: Callable[[float], float] = never,
        clock: Clock = SYSTEM,
    ) -> None:
        """With a secret, nothing is believed that is not signed with it. `away`: for how many seconds since a
        moment this process did not run; see Absences."""
        self._redis = connect(url)
        self._seal = seal_of(secret)
        self._away = away
        self._clock = clock
        #: Messages that were none of our listener's.
        self.refused = 0
        # When the newest batch was made, by the listener's clock.
        self._newest = -1
        self._foreign = False
        self._complained = -_COMPLAINT_SECONDS
        #: See Updates.
        self.problem = ""
        self._said = ""

    def listen(self) -> Iterator[Snapshot | Batch | FeedStatus]:
        """What is held, then every batch without a gap; all of it again after any gap. See Updates.

        Redis may be away, killed, flushed, half-open, or full of other things than ours: this waits
        and comes back.
        """
        backoff = Backoff(first=0.1, cap=1.0)
        while True:
            subscription = self._redis.pubsub()  # type: ignore[no-untyped-call]
            try:
                with self._asking():
                    subscription.subscribe(keys.BATCHES)
                for item in self._follow(subscription):
                    if not isinstance(item, Snapshot):
                        # What is held is memory; only what is said now tells that all is well.
                        self._clear_problem()
                        backoff.reset()
                    yield item
                if not self._foreign:
                    self._have_problem(_NO_BEAT)
            except _OwnPause:
                log.debug("this process did not run for a while: subscribing again")
            except (RedisError, *MISREAD) as error:
                failure = unavailable(error)
                self._have_problem(f"redis: {failure}", failure.detail)
            finally:
                with suppress(RedisError, OSError, *MISREAD):
                    subscription.close()
            gevent.sleep(backoff.next())

    def _follow(self, subscription: PubSub) -> Iterator[Snapshot | Batch | FeedStatus]:
        """One subscription's life; ends when it has been silent for too long."""
        course = Succession()
        heard = self._clock.monotonic()
        looked, due = -_LOOK_SECONDS, False
        count = 0
        while True:
            count += 1
            if count % _MESSAGES == 0:
                give_turn()
            # Not ignoring subscribe messages: each one, also one that the library sent by itself
            # after a lost connection, means that messages may have been missed.
            message = self._next_message(subscription, _LOOK_SECONDS if due else BEAT_SECONDS)
            now = self._clock.monotonic()
            if now - heard >= STALE_SECONDS:
                # Also where there is a message: it is as old as that. It goes with its connection, and
                # with all that waits behind it.
                if now - heard - self._away(heard) < STALE_SECONDS:
                    raise _OwnPause
                return
            batch = None
            if message is None:
                # Whether Redis is silent, or only the listener, is known then before either is blamed.
                with self._asking():
                    self._redis.ping()
            elif message["type"] != "message":
                due = True
            elif (batch := self._batch(message["data"])) is not None:
                taken = course.take(batch, message["data"]) if batch.epoch else batch.feed
                if self._is_new(batch, taken is not None):
                    heard, self._newest = now, batch.feed.time
                    if taken is not None:
                        yield taken
                        continue
                    due = due or not course.is_old(batch)
                else:
                    # Somebody says again what was said before: that is no sign of life.
                    due = due or (bool(batch.updates) and not course.is_old(batch))
                    batch = None
            if due and now - looked >= _LOOK_SECONDS:
                # Subscribed first, then read: what was published in between comes as well, and is old.
                looked, due = now, False
                yield from self._look(course, batch, message)
            # What is none of ours may be large.
            give_turn()

    def _is_new(self, batch: Batch, goes_on: bool) -> bool:
        """Whether it was not said before, as far as that is known. Updates that go on from what we have were
        not: so a listener whose clock is behind is heard all the same."""
        if not self._seal.proves or (goes_on and batch.updates):
            return True
        return batch.feed.time > self._newest

    def _look(
        self, course: Succession, batch: Batch | None, message: dict[str, Any] | None
    ) -> Iterator[Snapshot | Batch | FeedStatus]:
        """What is held, since a batch, if it is one, does not go on from what we have."""
        found = self._load()
        if found is not None:
            if course.contradicts(found):
                self._refuse("a batch that is no part of what is held was taken, and is taken back")
                held.ask_for_anew(self._redis)
            yield course.load(found)
            if batch is not None and (batch.epoch, batch.version) == (course.epoch, course.version):
                yield batch.feed
        elif batch is not None and message is not None and batch.previous == 0:
            yield course.begin(batch, message["data"])

    def _next_message(self, subscription: PubSub, seconds: float) -> dict[str, Any] | None:
        """None where there was none for so long. Raises RedisError or _OwnPause."""
        with self._asking():
            message: dict[str, Any] | None = subscription.get_message(timeout=seconds)
        return message

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Ends what takes too long. Raises _OwnPause where it only took long since nothing ran here."""
        asked = self._clock.monotonic()
        try:
            with in_time():
                yield
        except (RedisError, *MISREAD):
            if self._away(asked):
                raise _OwnPause from None
            raise
        if self._away(asked):
            raise _OwnPause

    def _load(self) -> held.Held | None:
        try:
            with self._asking():
                return held.load(self._redis, self._seal)
        except SnapshotLost as error:
            # Ours are the words on signatures alone.
            why = f": {error}" if isinstance(error.__cause__, BadSeal) else ""
            self._have_problem(_LOST + why, str(error))
            with self._asking():
                held.ask_for_anew(self._redis)
            return None

    def _batch(self, data: bytes) -> Batch | None:
        """The batch in these bytes; None where they are none of ours."""
        try:
            return decode_batch(self._seal.open("batch", data))
        except (BadSeal, Unreadable) as error:
            self._refuse(str(error))
            return None

    def _refuse(self, why: str) -> None:
        """Somebody else publishes where only our listener does, or its settings are others than ours."""
        self.refused += 1
        self._foreign = True
        self.problem = f"{_FOREIGN}: {why}"[:200]
        now = self._clock.monotonic()
        if now - self._complained >= _COMPLAINT_SECONDS:
            self._complained = now
            log.warning("%a (%d so far)", self.problem, self.refused)

    def _have_problem(self, problem: str, detail: str = "") -> None:
        """`detail` is for the log alone."""
        self.problem = problem
        if problem != self._said:
            log.warning("%s%s", problem, f" ({detail})" if detail else "")
        self._said = problem

    def _clear_problem(self) -> None:
        if self._said:
            log.info("no problem any more: %s", self._said)
        self.problem = self._said = ""
        self._foreign = False
