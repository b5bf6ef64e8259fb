"""A process that cannot go on ends, and its exit status tells a supervisor the truth."""

import signal
import sys
import time
from pathlib import Path

import gevent
import pytest

from relay import supervise
from relay.supervise import EXIT_FAILED
from tests.long import long_after
from tests.processes import Process, RedisServer
from tests.scripted import ScriptedExchange

#: A listener in which something fails, or returns, that must go on.
BROKEN_LISTENER = """
import listener
from relay.ingest.writer import Writer

def run(self):
    {how}

Writer.run = run
listener.main()
"""
#: A worker in which something fails as soon as it serves.
BROKEN_WORKER = """
from relay import supervise
from relay.store.memory import MemoryStore

def listen(self):
    {how}
    yield

MemoryStore.listen = listen
supervise.MIN_LIFE_SECONDS = 4.0

from app import app
"""


def listener(redis_server: RedisServer, exchange: ScriptedExchange, code: str = "") -> Process:
    command = ["-c", code] if code else ["listener.py"]
    env = {"REDIS_URL": redis_server.url, "BINANCE_WS": exchange.url}
    return Process([sys.executable, *command], env)


def end_with(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (gevent.Timeout(1), "end_with failed"),
        (SystemExit(1), "end_with failed"),
        (gevent.GreenletExit(), "end_with ended"),
    ],
    ids=["timeout", "exit", "kill"],
)
@pytest.mark.parametrize("ending", [False, True])
def test_no_end_of_a_loop_goes_unnoticed(
    how: BaseException,
    said: str,
    ending: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    signals: list[int] = []
    monkeypatch.setattr(supervise._Process, "ending", ending)
    monkeypatch.setattr(supervise._Process, "failed", False)
    monkeypatch.setattr(supervise, "end_in_time", lambda: None)
    monkeypatch.setattr(supervise.os, "kill", lambda _, number: signals.append(number))
    supervise.spawn_essential(end_with, how).join(10)
    unasked = not (ending and "ended" in said)
    assert (said in caplog.text) == unasked
    assert (supervise.exit_status() == EXIT_FAILED) == unasked
    assert signals == ([] if ending else [signal.SIGTERM])


@pytest.mark.parametrize("how", long_after(1, ["raise RuntimeError('on purpose')", "return"]))
def test_a_listener_that_cannot_go_on_fails(
    how: str, redis_server: RedisServer, exchange: ScriptedExchange
) -> None:
    with listener(redis_server, exchange, BROKEN_LISTENER.format(how=how)) as process:
        assert process.wait() == EXIT_FAILED
        output = "".join(process.output)
        assert "CRITICAL relay.supervise: run " in output
        assert ("RuntimeError: on purpose" in output) == ("raise" in how)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_listener_that_is_asked_to_end_succeeds(
    number: signal.Signals, redis_server: RedisServer, exchange: ScriptedExchange
) -> None:
    with listener(redis_server, exchange) as process:
        process.wait_for_line("leading")
        process.signal(number)
        assert process.wait() == 0


def test_a_listener_that_is_asked_to_end_succeeds_though_redis_hangs(
    redis_server: RedisServer, exchange: ScriptedExchange
) -> None:
    with listener(redis_server, exchange) as process:
        process.wait_for_line("leading")
        redis_server.signal(signal.SIGSTOP)
        try:
            process.signal(signal.SIGTERM)
            assert process.wait() == 0
        finally:
            redis_server.signal(signal.SIGCONT)


HANGING = """
import listener
from relay.store.redis_writer import RedisStore
from relay import supervise

def release(self):
    print("hanging", flush=True)
    {how}

RedisStore.release = release
supervise.GOODBYE_SECONDS = {seconds}
listener.main()
"""


def test_a_second_signal_ends_it_at_once(
    redis_server: RedisServer, exchange: ScriptedExchange
) -> None:
    code = HANGING.format(how="import gevent; gevent.sleep(600)", seconds=600)
    with listener(redis_server, exchange, code) as process:
        process.wait_for_line("leading")
        process.signal(signal.SIGTERM)
        process.wait_for_line("hanging")
        process.signal(signal.SIGTERM)
        assert process.wait() == -signal.SIGTERM


def test_a_listener_that_hangs_while_it_ends_is_ended(
    redis_server: RedisServer, exchange: ScriptedExchange
) -> None:
    code = HANGING.format(how="while True: pass", seconds=1)
    with listener(redis_server, exchange, code) as process:
        process.wait_for_line("leading")
        process.signal(signal.SIGTERM)
        assert process.wait() == -signal.SIGALRM


@pytest.mark.parametrize("how", long_after(1, ["raise RuntimeError('on purpose')", "return"]))
def test_a_worker_that_cannot_go_on_fails_and_is_replaced_but_not_at_full_speed(
    how: str, exchange: ScriptedExchange, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text(BROKEN_WORKER.format(how=how))
    command = [sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-b", "127.0.0.1:0"]
    env = {"BINANCE_WS": exchange.url, "PYTHONPATH": str(tmp_path)}
    with Process([*command, "broken:app"], env) as process:
        process.wait_for_line("Booting worker")
        began = time.monotonic()
        first = len(process.output)
        process.wait_for_line(rf"exited with code {EXIT_FAILED}", first)
        process.wait_for_line("Booting worker", first)
        assert time.monotonic() - began > 3
        process.kill()
        assert "CRITICAL" in "".join(process.output)
