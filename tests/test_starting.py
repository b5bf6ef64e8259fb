"""Started the wrong way, the relay says what to do; started from elsewhere, it finds what is its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import plain_http
from tests.long import long_after
from tests.ports import free_port
from tests.processes import ROOT, WAIT_SECONDS, Gunicorn, Process, wait_until
from tests.scripted import ScriptedExchange

GUNICORN = [sys.executable, "-m", "gunicorn"]
RELAY = [sys.executable, "-m", "relay"]
CLEAN = {key: value for key, value in os.environ.items() if key not in ("REDIS_URL", "HOST")}


def refusal(command: list[str], directory: Path = ROOT, **env: str) -> str:
    """The last line that a program says before it ends with 2."""
    done = subprocess.run(
        command,
        check=False,
        cwd=directory,
        env=CLEAN | env,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def told(command: list[str]) -> str:
    """What a program prints that ends with 0."""
    done = subprocess.run(
        command,
        check=True,
        cwd=ROOT,
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    return done.stdout


@pytest.mark.parametrize("kind", long_after(1, ["sync", "gthread", "gevent"]))
def test_another_worker_class_is_refused(kind: str) -> None:
    said = refusal([*GUNICORN, "-k", kind, "-b", "127.0.0.1:0", "app:app"])
    assert said.startswith("-k must be geventwebsocket: ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("nonsense", "relay: there is no role 'nonsense'"),
        ("web extra", "unrecognized arguments: extra"),
        ("web --nonsense", "unrecognized arguments: --nonsense"),
        ("listener extra", "unrecognized arguments: extra"),
        ("simulator --fault nonsense", "invalid choice: 'nonsense'"),
        ("check --nonsense", "unrecognized arguments: --nonsense"),
    ],
)
def test_what_a_role_does_not_know_is_refused(options: str, sentence: str) -> None:
    assert sentence in refusal([*RELAY, *options.split()])


@pytest.mark.parametrize("role", ["", "web", "listener", "simulator", "check"])
def test_each_role_says_how_it_is_used_and_does_nothing_else(role: str) -> None:
    assert told([*RELAY, *role.split(), "--help"]).startswith("usage: ")


def test_it_says_which_version_it_is() -> None:
    assert re.fullmatch(r"relay \d+\.\d+\.\d+\n", told([*RELAY, "--version"]))


def test_flasks_own_server_is_refused() -> None:
    said = refusal([sys.executable, "-m", "flask", "--app", "app", "run", "--port", "0"])
    assert "gunicorn -k geventwebsocket app:app" in said


def test_without_our_settings_each_answer_says_what_to_do(tmp_path: Path) -> None:
    command = [*GUNICORN, "--pythonpath", str(ROOT), "-b", "127.0.0.1:0", "-c", "/dev/null"]
    with Process([*command, "app:app"]) as other:
        port = other.wait_for_line(r"Listening at: http://127\.0\.0\.1:(\d+)").group(1)
        answer = plain_http.get(f"http://127.0.0.1:{port}/events", timeout=WAIT_SECONDS)
        assert answer.status_code == 503
        assert "relay web" in answer.text
        other.wait_for_line("WARNING app: This server cannot serve the relay: start it by")


def test_more_workers_than_a_process_alone_can_have_are_refused() -> None:
    assert "WEB_CONCURRENCY" in refusal([*GUNICORN, "app:app"], WEB_CONCURRENCY="2")


def test_no_workers_are_refused() -> None:
    assert "WEB_CONCURRENCY" in refusal([*GUNICORN, "app:app"], WEB_CONCURRENCY="0")


@pytest.mark.parametrize("number", ["two", "-1"])
def test_what_is_no_number_of_workers_is_refused(number: str) -> None:
    command = [sys.executable, "-m", "relay", "web"]
    assert refusal(command, WEB_CONCURRENCY=number).startswith("WEB_CONCURRENCY is wrong: ")


def test_the_host_that_conda_sets_is_refused() -> None:
    said = refusal([*GUNICORN, "app:app"], HOST="x86_64-conda-linux-gnu")
    assert said.startswith("HOST is wrong: ")


def test_a_recording_that_cannot_be_written_is_refused() -> None:
    command = [sys.executable, "listener.py", "--record", "/proc/nowhere"]
    said = refusal(command, REDIS_URL="redis://127.0.0.1:1")
    assert said.startswith("--record cannot write to /proc/nowhere: ")


def test_a_signal_for_a_second_worker_is_refused_in_process(relay: Gunicorn) -> None:
    relay.signal(signal.SIGTTIN)
    relay.wait_for_line("no second worker: REDIS_URL must name a Redis server")
    assert len(relay.worker_pids()) == 1


@pytest.mark.parametrize("how", long_after(1, ["python app.py", "relay web", "gunicorn -c"]))
def test_it_serves_from_any_directory_an_address_of_ipv6(
    how: str, exchange: ScriptedExchange, tmp_path: Path
) -> None:
    port = free_port()
    env = {"HOST": "::1", "PORT": str(port), "BINANCE_WS": exchange.url, "PYTHONPATH": str(ROOT)}
    commands = {
        "python app.py": [sys.executable, str(ROOT / "app.py")],
        "relay web": [sys.executable, "-m", "relay", "web"],
        "gunicorn -c": [*GUNICORN, "-c", str(ROOT / "gunicorn.conf.py"), "app:app"],
    }
    with Process(commands[how], env, tmp_path) as site:
        site.wait_for_line(rf"Listening at: http://\[::1\]:{port}")
        url = f"http://[::1]:{port}/api/prices"
        exchange.tick(BTCUSDT="1")

        def prices() -> object:
            return plain_http.get(url, timeout=WAIT_SECONDS).json()["prices"]

        wait_until(lambda: prices() == {"BTCUSDT": "1"}, "the price")
