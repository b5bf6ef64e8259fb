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

log = logging.getLogger(__name__)

#: What keeps us from prices, by the hop to blame.
_NO_BEAT = "listener: no beat from it"
_LOST = "redis: what Redis holds is lost, and not written anew yet"


class _OwnPause(Exception):
    """This process did not run for a while: that says nothing of Redis or of the listener."""


class RedisUpdates:
    """One worker's subscription, whatever becomes of Redis."""

    def __init__(
        self, url: str, *, away: Callable[[float], float] = never, clock: Clock = SYSTEM
    ) -> None:
        """`away`: for how many seconds since a moment this process did not run; see Absences."""
        self._redis = connect(url)
        self._away = away
        self._clock = clock
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
        epoch, version = "", 0
        heard = self._clock.monotonic()
        while True:
            # Not ignoring subscribe messages: each one, also one that the library sent by itself
            # after a lost connection, means that messages may have been missed.
            message = self._next_message(subscription)
            silent = self._clock.monotonic() - heard
            if silent >= STALE_SECONDS:
                # Also where there is a message: it is as old as that. It goes with its connection, and
                # with all that waits behind it.
                if silent - self._away(heard) < STALE_SECONDS:
                    raise _OwnPause
                return
            if message is None:
                # Whether Redis is silent, or only the listener, is known then before either is blamed.
                with self._asking():
                    self._redis.ping()
                continue
            if message["type"] == "message":
                batch = _batch(message["data"])
                if batch is None:
                    continue
                heard = self._clock.monotonic()
                if not batch.epoch:
                    yield batch.feed
                    continue
                if batch.epoch == epoch and batch.previous < version >= batch.version:
                    continue
                follows = batch.epoch == epoch and batch.previous == version
                if follows or batch.previous == 0:
                    epoch, version = batch.epoch, batch.version
                    yield batch
                    continue
            # Subscribed first, then read: what was published in between comes as well, and is dropped.
            snapshot = self._load()
            if snapshot is not None:
                epoch, version = snapshot.epoch, snapshot.version
                yield snapshot

    def _next_message(self, subscription: PubSub) -> dict[str, Any] | None:
        """None where there was none for a beat. Raises RedisError or _OwnPause."""
        with self._asking():
            message: dict[str, Any] | None = subscription.get_message(timeout=BEAT_SECONDS)
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

    def _load(self) -> Snapshot | None:
        try:
            with self._asking():
                found = held.load(self._redis)
        except SnapshotLost as error:
            self._have_problem(_LOST, str(error))
            with self._asking():
                held.ask_for_anew(self._redis)
            return None
        return None if found is None else found.snapshot

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


def _batch(data: bytes) -> Batch | None:
    """The batch in these bytes; None where somebody else published them."""
    try:
        return decode_batch(data)
    except Unreadable as error:
        log.debug("ignored a message on %s that is no batch: %s", keys.BATCHES, error)
        return None
