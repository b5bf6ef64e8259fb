"""The in-process store hands batches over, and holds no more of them than it may."""

import gevent
import pytest

from relay.batch import Batch
from relay.feed_status import FeedStatus
from relay.store import memory
from relay.store.contract import StoreUnavailable, Unwritable
from relay.store.memory import MAX_WAITING, MemoryStore
from relay.ticker import Ticker


def batch(version: int) -> Batch:
    return Batch("e1", version - 1, version, FeedStatus("live"), [Ticker("A", "1", "trade")])


def test_a_reader_that_hangs_fills_no_memory_and_misses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "WRITE_SECONDS", 0.01)
    store = MemoryStore()
    for version in range(1, MAX_WAITING + 1):
        store.write(batch(version))
    with pytest.raises(StoreUnavailable):
        store.write(batch(MAX_WAITING + 1))
    heard = store.listen()
    first = next(heard)
    writing = gevent.spawn(store.write, batch(MAX_WAITING + 1))
    rest = [next(heard) for _ in range(MAX_WAITING)]
    writing.get()
    assert [each.version for each in (first, *rest)] == list(range(1, MAX_WAITING + 2))


def test_what_a_process_could_not_send_is_refused_here_too() -> None:
    poison = Ticker("A", "1", "trade", event_time=2**70)
    with pytest.raises(Unwritable):
        MemoryStore().write(Batch("e1", 0, 1, FeedStatus("live"), [poison]))
