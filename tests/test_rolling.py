"""Two servers behind a balancer, as `deploy/` has it, are restarted one by one: nobody sees an error page,
everybody comes back where they were, and no price is lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import plain_http
from tests.balancers import Balancer
from tests.long import long
from tests.processes import Gunicorn, RedisServer, wait_until
from tests.rolling import Crowd, Requests
from tests.scribe import Scribe

#: As many clients as two cores stand beside other tests.
CROWD = 60
#: Seconds; HAProxy looks each second, and believes what it saw twice.
DELAY = "2.5"
#: Nobody is limited by address: all clients have the same.
UNLIMITED = {
    f"ADDRESS_{what}": "0" for what in ("CONNECTIONS", "STREAMS", "OPENS", "REQUESTS", "SYMBOLS")
}


@pytest.fixture(scope="module")
def settings(_redis_process: RedisServer) -> dict[str, str]:
    return {"REDIS_URL": _redis_process.url, "DRAIN_DELAY": DELAY, **UNLIMITED}


@pytest.fixture(scope="module")
def servers(settings: dict[str, str], scribe: Scribe) -> Iterator[list[Gunicorn]]:
    scribe.tell("A", "1")
    servers = [Gunicorn(**settings) for _ in range(2)]
    for server in servers:
        server.wait_until_ready()
    yield servers
    for server in servers:
        server.close()


@long
@pytest.mark.parametrize("program", ["haproxy", "nginx"])
def test_a_rolling_restart_is_seen_by_nobody(
    program: str,
    servers: list[Gunicorn],
    settings: dict[str, str],
    scribe: Scribe,
    tmp_path: Path,
) -> None:
    with Balancer(program, tmp_path, [server.port for server in servers]) as balancer:
        number = 1
        wait_until(lambda: plain_http.get(f"{balancer.url}/routez").status_code == 200, program)
        with (
            Crowd(balancer.port, CROWD, "A") as crowd,
            Requests(f"{balancer.url}/livez") as requests,
        ):
            wait_until(lambda: crowd.all_have(1), "everybody's first price")
            # A new version of the code in the one, by HUP; the other one is ended, and comes back.
            first, second = servers
            before = first.worker_pids()
            first.signal(signal.SIGHUP)
            wait_until(lambda: not set(before) & set(first.worker_pids()), "new workers")
            number += 1
            scribe.tell("A", str(number))
            wait_until(lambda: crowd.all_have(number), "the price after HUP")
            second.signal(signal.SIGTERM)
            assert second.wait() == 0
            number += 1
            scribe.tell("A", str(number))
            wait_until(lambda: crowd.all_have(number), "the price after TERM")
        servers[1] = Gunicorn(port=second.port, **settings)
        servers[1].wait_until_ready()
        # The next program's clients begin to count again.
        scribe.tell("A", "1")
        assert set(requests.answers) == {200}
        assert crowd.refused == {}
        assert crowd.backwards == 0
