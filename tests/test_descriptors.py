"""What a process does with few descriptors: it says so, serves as many as it can, and recovers."""

import resource
import socket
from contextlib import ExitStack

import pytest

from relay.descriptors import OTHERS, Share, share
from tests.processes import WAIT_SECONDS, Gunicorn, wait_until

WANTED = Share(2000, 20_000)


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        (1 << 30, WANTED),
        (OTHERS + sum(WANTED), WANTED),
        (OTHERS + sum(WANTED) - 1, Share(2000, 19_999)),
        (OTHERS + 400, Share(100, 300)),
        (10, Share(1, 1)),
    ],
)
def test_what_is_wanted_is_cut_to_what_fits(limit: int, fits: Share) -> None:
    assert share(limit, WANTED) == fits


def test_a_worker_with_few_descriptors_says_so_and_recovers() -> None:
    options = ("--worker-connections", "1000")
    with Gunicorn(options=options, BINANCE_WS="ws://127.0.0.1:1") as relay:
        wait_until(lambda: len(relay.worker_pids()) == 1, "the worker")
        relay.http.get("/livez")
        relay.http.close()
        (pid,) = relay.worker_pids()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (48, 48))
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(
                    socket.create_connection(("127.0.0.1", relay.port), WAIT_SECONDS)
                )
            relay.wait_for_line("no connection can be accepted")
        wait_until(lambda: _answers(relay), "an answer")
        assert sum("no connection can be accepted" in line for line in relay.output) == 1
        assert not [line for line in relay.output if "Traceback" in line]


def test_a_low_limit_is_said_at_the_start() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with Gunicorn(BINANCE_WS="ws://127.0.0.1:1", MAX_CLIENTS=str(hard)) as relay:
        line = relay.wait_for_line("open files are allowed").string
        assert f"{hard} open files" in line
        assert "MAX_CLIENTS" in line
        wait_until(lambda: len(relay.worker_pids()) == 1, "the worker")
        limits = resource.prlimit(relay.worker_pids()[0], resource.RLIMIT_NOFILE)
        assert limits == (hard, hard)
        # A worker that has only begun hears no TERM, and would be waited for.
        relay.kill()


def _answers(relay: Gunicorn) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", relay.port), WAIT_SECONDS) as sock:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            return sock.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
