"""The Redis store, the writer's side: the lease, and batches. relay/store/keys.py has the keys."""

import logging
import os
import secrets
import socket
from functools import cached_property

import msgspec
from redis.exceptions import RedisError, ResponseError

from relay.batch import Batch, encode_batch, encode_snapshot
from relay.board import Board, resume_id
from relay.feed_status import CANNOT_BE_CARRIED, FeedStatus
from relay.store import held, keys, scripts
from relay.store.connect import MISREAD, connect, in_time
from relay.store.contract import LeaseHeld, Position, SnapshotLost, StoreUnavailable, Unwritable
from relay.store.failure import reason, text, unavailable
from relay.store.redis_keeper import RedisKeeper
from relay.store.redis_orders import RedisOrders
from relay.store.seal import seal_of

log = logging.getLogger(__name__)

#: Milliseconds since its last write after which a listener has lost the right to write.
LEASE_MILLISECONDS = 3_000
#: Bytes of the log beyond which it is replaced by what it amounts to.
LOG_BYTES = 2 << 20

_WRITTEN = [keys.LEASE, keys.HEAD, keys.STANDBYS, keys.PRICES, keys.BASE, keys.LOG, keys.LOST]
#: The token of a listener that has given up the lease.
_GIVEN_UP = "given up"
_encode = msgspec.msgpack.Encoder().encode


class RedisStore:
    """One listener's way to Redis."""

    def __init__(self, url: str, secret: str = "") -> None:
        """With a secret, what workers read of it is signed."""
        self._url = url
        self._seal = seal_of(secret)
        self._redis = connect(url)
        self._me = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        # Another one each time we ask for the lease and are given it: what was sent under an older one
        # and is still on its way changes nothing any more.
        self._token = ""
        self._taken = 0
        self._number = 0
        self._server = b""
        # What Redis holds.
        self._board = Board()
        self._logged = 0
        register = self._redis.register_script
        self._take_lease = register(scripts.TAKE_LEASE)
        self._write = register(scripts.write_script(keys.UPDATES, keys.BATCHES))
        self._compact = register(scripts.COMPACT)
        self._release = register(scripts.RELEASE)

    @cached_property
    def keeper(self) -> RedisKeeper:
        """The archive of this listener, on connections of its own: a slow archive delays no price."""
        return RedisKeeper(self._url, lambda: self._token)

    @cached_property
    def orders(self) -> RedisOrders:
        """The demands that this listener is to answer, on connections of their own."""
        return RedisOrders(self._url, lambda: self._token)

    def open(self) -> Position | None:
        """Takes the lease; where to go on from. See Store."""
        self._taken += 1
        token = f"{self._me}:{self._taken}"
        try:
            with in_time():
                holder = self._take_lease(
                    keys=[keys.LEASE, keys.HEAD, keys.STANDBYS],
                    args=[token, LEASE_MILLISECONDS, self._me],
                )
                if holder != token.encode():
                    raise LeaseHeld(text(holder))
                found = self._load()
                self._server = self._identity()
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error
        self._token, self._number = token, 0
        self._board, self._logged = Board(), 0
        if found is None:
            return None
        self._board.load(found.snapshot)
        # Else it may be a copy that lags behind the one that was written to.
        return Position(found.snapshot, intact=found.server == self._server)

    def write(self, batch: Batch) -> int:
        """Snapshot, version and publish at once. See Store."""
        if self._token == _GIVEN_UP:
            raise LeaseHeld("nobody: it was given up")
        try:
            encoded = self._seal.close("batch", encode_batch(batch))
        except CANNOT_BE_CARRIED as error:
            raise Unwritable(str(error)) from error
        args: list[str | int | bytes] = [
            self._token,
            LEASE_MILLISECONDS,
            self._number + 1,
            batch.epoch,
            batch.previous,
            batch.version,
            self._seal.close(
                "feed", msgspec.json.encode(batch.feed), resume_id(batch.epoch, batch.version)
            ),
            _encode(_public(batch)),
            encoded,
            self._server,
        ]
        try:
            with in_time():
                answer, more = self._write(keys=_WRITTEN, args=args)
                if answer == b"lost":
                    # It may have begun anew, and what is written from here on is all its own.
                    self._server = self._identity()
            standbys = 0 if answer == b"held" else int(more)
        except (RedisError, *MISREAD) as error:
            raise unavailable(error) from error
        if answer == b"held":
            raise LeaseHeld(text(more))
        if answer == b"lost":
            raise SnapshotLost("it does not go on from what was written last")
        if answer not in (b"written", b"known"):
            raise StoreUnavailable("Redis answers oddly", f"{answer!r:.100}")
        self._number += 1
        self._remember(batch, len(encoded))
        if self._logged > LOG_BYTES:
            self._shorten(batch)
        return standbys

    def tell(self, feed: FeedStatus) -> None:
        """Lets the workers know how the feed is, if Redis does as much as publish. See Store."""
        try:
            with in_time():
                told = encode_batch(Batch("", 0, 0, feed, []))
                self._redis.publish(keys.BATCHES, self._seal.close("batch", told))
        except (RedisError, *MISREAD) as error:
            log.debug("nobody could be told: %s", reason(error))

    def release(self) -> None:
        """Gives the lease up, so that another listener need not wait for it to expire.

        From here on nothing is written, until it is taken again.
        """
        token, self._token = self._token, _GIVEN_UP
        try:
            with in_time():
                self._release(keys=[keys.LEASE, keys.STANDBYS, keys.HEAD], args=[token, self._me])
        except (RedisError, *MISREAD) as error:
            log.info("the lease could not be given up, it will expire: %s", reason(error))

    def _load(self) -> held.Held | None:
        try:
            return held.load(self._redis, self._seal)
        except SnapshotLost as error:
            log.warning("what Redis holds is lost: %s", error)
            return None

    def _identity(self) -> bytes:
        """Which server this is. A user who may not ask for INFO is believed to have but one."""
        try:
            identity: str = self._redis.info("server")["run_id"]
        except ResponseError as error:
            log.debug("INFO is not permitted: %s", reason(error))
            return b"the only one"
        return identity.encode()

    def _remember(self, batch: Batch, size: int) -> None:
        if batch.previous == 0:
            self._board, self._logged = Board(), 0
        self._board.apply(batch)
        if batch.updates:
            self._logged += size

    def _shorten(self, batch: Batch) -> None:
        """Replaces the log by what it amounts to, as of this batch."""
        whole = self._seal.close("base", encode_snapshot(self._board.snapshot(batch.feed)))
        args: list[str | int | bytes] = [self._token, batch.epoch, batch.version, whole]
        try:
            with in_time():
                self._compact(keys=[keys.LEASE, keys.HEAD, keys.BASE, keys.LOG], args=args)
        except (RedisError, *MISREAD) as error:
            log.info("the log could not be shortened, it will be next time: %s", reason(error))
            return
        self._logged = 0


def _public(batch: Batch) -> tuple[list[str], list[str]]:
    """What anyone may see of a batch: symbols and prices in turn, and symbols that are gone.

    They were checked when they came in: they hold nothing that JSON would escape.
    """
    present = [text for t in batch.updates if not t.removed for text in (t.symbol, t.price)]
    return present, [t.symbol for t in batch.updates if t.removed]
