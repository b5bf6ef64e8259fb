"""The Redis store, the reader's side: a snapshot, and every batch after it. For ever."""

import logging
from collections.abc import Iterator

import gevent
import msgspec
from redis.client import PubSub
from redis.exceptions import RedisError

from relay.backoff import Backoff
from relay.batch import BEAT_SECONDS, STALE_SECONDS, Batch, Snapshot, decode_batch
from relay.clock import SYSTEM, Clock
from relay.feed_status import FeedStatus
from relay.store import keys
from relay.store.connect import connect

log = logging.getLogger(__name__)


class RedisUpdates:
    """One worker's subscription, whatever becomes of Redis."""

    def __init__(self, url: str, *, clock: Clock = SYSTEM) -> None:
        self._redis = connect(url)
        self._clock = clock
        #: What keeps us from Redis at the moment, or nothing.
        self.problem = ""

    def listen(self) -> Iterator[Snapshot | Batch | FeedStatus]:
        """What is held, then every batch without a gap; all of it again after any gap. See Updates.

        Redis may be away, killed, flushed or half-open: this waits and comes back.
        """
        backoff = Backoff(first=0.1, cap=1.0)
        while True:
            subscription = self._redis.pubsub()  # type: ignore[no-untyped-call]
            try:
                subscription.subscribe(keys.BATCHES)
                for item in self._follow(subscription):
                    if self.problem:
                        log.info("Redis is back")
                    self.problem = ""
                    backoff.reset()
                    yield item
                if not self.problem:
                    log.warning("no beat on the subscription: building it anew")
                self.problem = "no beat from the listener"
            except RedisError as error:
                if not self.problem:
                    log.warning("Redis is away: %s", error)
                self.problem = f"Redis cannot be reached: {error}"[:200]
            finally:
                subscription.close()
            gevent.sleep(backoff.next())

    def _follow(self, subscription: PubSub) -> Iterator[Snapshot | Batch | FeedStatus]:
        """One subscription's life; ends when it has been silent for too long."""
        epoch, version = "", 0
        heard = self._clock.monotonic()
        while self._clock.monotonic() - heard < STALE_SECONDS:
            # Not ignoring subscribe messages: each one, also one that the library sent by itself
            # after a lost connection, means that messages may have been missed.
            message = subscription.get_message(timeout=BEAT_SECONDS)
            if message is None:
                continue
            batch = _batch(message)
            if batch is not None:
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
            held = keys.load(self._redis)
            if held is not None:
                epoch, version = held.epoch, held.version
                yield held


def _batch(message: dict[str, object]) -> Batch | None:
    """The batch in a message; None for anything else, also for what somebody else published."""
    data = message["data"]
    if message["type"] != "message" or not isinstance(data, bytes):
        return None
    try:
        return decode_batch(data)
    except msgspec.MsgspecError as error:
        log.warning("ignored a message on %s that is no batch: %s", keys.BATCHES, error)
        return None
