"""The history of a real worker: what it lacks it demands over Redis, and a listener's place is the test's."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from relay.candle import Candle, packed
from relay.history.page import Page, encode_page, page_name
from relay.store.redis_writer import RedisStore
from relay.ticker import Ticker
from tests import plain_http
from tests.archive import kline
from tests.closing import Closing
from tests.processes import Gunicorn, RedisServer
from tests.scribe import Scribe, now

SYMBOLS = ("A", "B", "C")


class Supplier(Closing):
    """Answers every demand with a candle for each minute that the test began before."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._over = threading.Event()
        #: What was demanded, in order.
        self.taken: list[str] = []
        #: What nobody may have.
        self.refused = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        orders, keeper = self._store.orders, self._store.keeper
        while not self._over.is_set():
            name = orders.take(0.1)
            if name is None:
                continue
            self.taken.append(name)
            page = page_name(name)
            assert page is not None
            if page.symbol == self.refused:
                orders.refuse(name, "the exchange says no", 1)
                continue
            last = now() // 60_000 * 60
            times = range(max(page.start, last - 3600), min(page.end, last + 1), 60)
            klines = [kline(each) for each in times]
            keeper.put(name, encode_page(Page(now(), klines)), 60)
            orders.answer(name)


@pytest.fixture(scope="module")
def scribe(_redis_process: RedisServer) -> Iterator[Scribe]:
    _redis_process.client.flushall()
    with Scribe(_redis_process.url) as scribe:
        minute = now() // 60_000 * 60
        candle = Candle(minute, 2, 100, 150, 90, 125, 7)
        scribe.write(
            *(Ticker(s, "1.25", "trade", now(), now(), minutes=packed(candle)) for s in SYMBOLS)
        )
        yield scribe


@pytest.fixture(scope="module")
def workers(_redis_process: RedisServer, scribe: Scribe) -> Iterator[Gunicorn]:
    with Gunicorn(2, REDIS_URL=_redis_process.url) as workers:
        workers.wait_until_ready()
        yield workers


@pytest.fixture
def supplier(scribe: Scribe) -> Iterator[Supplier]:
    with Supplier(scribe._store) as supplier:
        yield supplier


def test_a_chart_that_nobody_has_asked_for_is_there_at_once_for_all_who_look(
    workers: Gunicorn, supplier: Supplier
) -> None:
    path = f"{workers.url}/api/history/A?limit=30"
    with ThreadPoolExecutor(30) as pool:
        answers = [each.json() for each in pool.map(httpx.get, [path] * 30)]
    for answer in answers:
        assert answer["complete"]
        assert len(answer["candles"]) >= 29
        assert answer["candles"][0][9] == "exchange"
    # One page, or two where one ends within the last half hour.
    assert len(supplier.taken) == len(set(supplier.taken)) <= 2


def test_a_chart_that_cannot_be_had_has_our_own_candles_and_the_reason(
    workers: Gunicorn, supplier: Supplier
) -> None:
    supplier.refused = "B"
    answer = plain_http.get(f"{workers.url}/api/history/B", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    said = answer.json()
    assert not said["complete"]
    assert "the exchange says no" in said["reason"]
    assert [row[9] for row in said["candles"]] == ["relay"]


def test_without_a_listener_an_answer_comes_within_its_time(workers: Gunicorn) -> None:
    answer = plain_http.get(f"{workers.url}/api/history/C?interval=1h", timeout=20)
    assert answer.status_code == 200
    assert not answer.json()["complete"]
    assert answer.json()["reason"]


def test_closes_that_are_waited_for_say_so(workers: Gunicorn, supplier: Supplier) -> None:
    supplier.refused = "C"
    said = plain_http.get(f"{workers.url}/api/history?symbols=C,D&points=48").json()
    assert said["waiting"] == ["C"]
    assert said["unknown"] == ["D"]
    assert said["closes"]["C"][-1] == "1.25"
    assert len(said["closes"]["C"]) == 48


def test_a_head_and_an_answer_that_is_held_have_no_body(
    workers: Gunicorn, supplier: Supplier
) -> None:
    path = f"/api/history/A?from={now() - 600_000}&to={now() - 300_000}"
    with httpx.Client(base_url=workers.url) as client:
        whole = client.get(path)
        assert whole.headers["Cache-Control"] == "public, max-age=86400"
        head = client.head(path)
        held = client.get(path, headers={"If-None-Match": whole.headers["ETag"]})
        assert (head.status_code, held.status_code) == (200, 304)
        assert head.content == held.content == b""
        assert head.headers["ETag"] == held.headers["ETag"] == whole.headers["ETag"]
        # The connection is still in step.
        assert client.get(path).json()["candles"] == whole.json()["candles"]
