"""New workers take over from old ones at a HUP, and nobody sees a relay that is not ready."""

import os
import signal
import threading
from collections import Counter

import httpx

from tests import plain_http
from tests.long import long
from tests.plain_http import NO_TLS
from tests.processes import Gunicorn, RedisServer, wait_until
from tests.scribe import Scribe


class Probe:
    """Asks for /readyz over and over, on connections of their own, until it is told to stop."""

    def __init__(self, relay: Gunicorn) -> None:
        self.answers: Counter[tuple[int, str, bool]] = Counter()
        self._url = f"{relay.url}/readyz"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.01):
            answer = httpx.get(self._url, timeout=20, verify=NO_TLS)
            said = answer.json()
            self.answers[answer.status_code, said["state"], said["draining"]] += 1


@long
def test_it_is_ready_all_the_time_while_workers_are_replaced(redis_server: RedisServer) -> None:
    with (
        Scribe(redis_server.url) as scribe,
        Gunicorn(workers=2, REDIS_URL=redis_server.url) as relay,
    ):
        scribe.tell("A", "1")
        relay.wait_until_ready()
        probe = Probe(relay)
        before = relay.worker_pids()
        os.kill(relay.pid, signal.SIGHUP)
        wait_until(lambda: not set(before) & set(relay.worker_pids()), "new workers")
        asked = probe.answers.total()
        wait_until(lambda: probe.answers.total() > asked + 20, "answers")
        probe.stop()
        # An old worker that still answers says that it is leaving, and that its prices are live.
        assert set(probe.answers) - {(200, "live", True)} == {(200, "live", False)}


def test_a_worker_serves_though_nobody_is_heard_of(redis_server: RedisServer) -> None:
    with Scribe(redis_server.url) as scribe:
        scribe.tell("A", "1")
    with Gunicorn(REDIS_URL=redis_server.url) as relay:
        answer = relay.http.get("/readyz")
        assert (answer.status_code, answer.json()["state"]) == (503, "stale")
        assert answer.json()["reason"].startswith("listener: ")
        assert relay.http.get("/api/prices").json()["prices"] == {"A": "1"}


def test_routing_goes_on_while_the_feed_is_down_and_ends_when_the_end_is_announced(
    redis_server: RedisServer,
) -> None:
    with Gunicorn(REDIS_URL=redis_server.url, DRAIN_DELAY="60") as relay:
        assert relay.http.get("/routez").status_code == 503
        with Scribe(redis_server.url) as scribe:
            scribe.feed = "down"
            scribe.tell("A", "1")
            wait_until(lambda: relay.http.get("/routez").status_code == 200, "prices")
            assert relay.http.get("/readyz").status_code == 503
        relay.signal(signal.SIGTERM)
        wait_until(
            lambda: httpx.get(f"{relay.url}/routez", verify=NO_TLS).status_code == 503,
            "the announcement",
        )
        # Whoever has not heard of it yet is served.
        assert plain_http.get(f"{relay.url}/api/prices").status_code == 200
        relay.kill()


def test_every_worker_announces_the_end_though_another_one_has_died_often(
    redis_server: RedisServer,
) -> None:
    with (
        Scribe(redis_server.url) as scribe,
        Gunicorn(workers=2, REDIS_URL=redis_server.url, DRAIN_DELAY="60") as relay,
    ):
        scribe.tell("A", "1")
        relay.wait_until_ready()
        oldest = relay.worker_pids()[0]
        for _ in range(2):
            last = relay.worker_pids()[-1]
            assert last != oldest
            os.kill(last, signal.SIGKILL)
            wait_until(
                lambda last=last: last not in (now := relay.worker_pids()) and len(now) == 2,
                "another worker",
            )
        relay.wait_until_ready()
        relay.signal(signal.SIGTERM)
        os.kill(relay.worker_pids()[-1], signal.SIGKILL)
        wait_until(lambda: relay.worker_pids() == [oldest], "one to be left")
        wait_until(
            lambda: httpx.get(f"{relay.url}/routez", verify=NO_TLS).status_code == 503,
            "the announcement",
            5.0,
        )
        relay.kill()
