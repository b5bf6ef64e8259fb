"""Held: what Redis holds, read as one snapshot, and believed only as a whole."""

import logging
from typing import NamedTuple

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from relay.batch import EPOCH, Batch, Snapshot, Unreadable, decode_batch, decode_snapshot
from relay.board import Board
from relay.feed_status import FeedStatus
from relay.store import keys, scripts
from relay.store.connect import MISREAD
from relay.store.contract import SnapshotLost
from relay.store.failure import reason
from relay.store.seal import BadSeal, Seal

log = logging.getLogger(__name__)

#: Bytes of the base or of the log beyond which they are none of ours: the whole market takes 1 MB.
MAX_BYTES = 32 << 20
#: Milliseconds until workers may ask again for everything to be written anew.
ASK_MILLISECONDS = 60_000

_decode_feed = msgspec.json.Decoder(FeedStatus).decode


class Held(NamedTuple):
    """What Redis holds, and the server that it was written to."""

    snapshot: Snapshot
    server: bytes
    #: The newest batches, each as it was published.
    rows: list[bytes]


def load(redis: Redis, seal: Seal) -> Held | None:
    """All that is held, as of one moment; None if nothing is.

    Raises RedisError, and SnapshotLost where any of it is not as our writer wrote it.
    """
    read = redis.register_script(scripts.LOAD)
    answer = read(keys=[keys.HEAD, keys.BASE, keys.LOG], args=[MAX_BYTES])
    try:
        wrong, epoch, version, feed, server, base, rows = answer
        if wrong:
            raise SnapshotLost(wrong.decode())
        if epoch is None and version is None:
            return None
        board = Board()
        if base is not None:
            board.load(decode_snapshot(seal.open("base", base)))
        for row in rows:
            _add(board, decode_batch(seal.open("batch", row)))
        if base is None and not rows and EPOCH.fullmatch(epoch.decode()):
            # Nothing is written yet of a new epoch but its first beat.
            board.epoch = epoch.decode()
        if board.id.encode() != epoch + b"-" + version:
            raise SnapshotLost("head, base and log do not belong together")
        said = _decode_feed(seal.open("feed", feed, board.id))
        return Held(board.snapshot(said), server or b"", rows)
    except BadSeal as error:
        raise SnapshotLost(str(error)) from error
    except MISREAD as error:
        raise SnapshotLost(f"{type(error).__name__}: {error}"[:200]) from error


def ask_for_anew(redis: Redis) -> None:
    """Asks whoever writes to write all of it again, since it cannot be read. Never raises."""
    try:
        epoch = redis.hget(keys.HEAD, "epoch")
        redis.set(keys.LOST, epoch or b"", nx=True, px=ASK_MILLISECONDS)
    except RedisError as error:
        log.debug("nobody could be asked to write anew: %s", reason(error))


def _add(board: Board, batch: Batch) -> None:
    begins = batch.previous == 0 and not board.epoch
    if not begins and (batch.epoch, batch.previous) != (board.epoch, board.version):
        raise Unreadable(f"a batch from {batch.previous}, after {board.version}")
    board.apply(batch)
