"""`relay check` names what is wrong with a configuration, and how bad it is, and no secret."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange import Simulator
from tests.long import long, long_after
from tests.ports import free_port
from tests.processes import ROOT, WAIT_SECONDS, Gunicorn, Listener, RedisServer
from tests.scripted import ScriptedExchange

SECRET = "a-word-that-nobody-may-read"  # noqa: S105 - it opens nothing
PROXIES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")
UNSET = {"REDIS_URL", "HOST", *PROXIES, *(name.upper() for name in PROXIES)}
CLEAN = {key: value for key, value in os.environ.items() if key not in UNSET}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator("--symbols", "20", "--activity", "1", stderr=subprocess.DEVNULL) as simulator:
        yield simulator


@pytest.fixture
def settings(redis_server: RedisServer, simulator: Simulator) -> dict[str, str]:
    """Nothing is wrong with these."""
    return {
        "REDIS_URL": redis_server.url,
        "BINANCE_WS": simulator.url,
        "PORT": str(free_port()),
        "MAX_CLIENTS": "10",
        "FEED_SILENCE_SECONDS": "2.5",
    }


def check(settings: dict[str, str], *before: str) -> tuple[int, str]:
    """The exit code, and what was said."""
    command = [*before, sys.executable, "-m", "relay", "check"]
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=CLEAN | settings,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert SECRET not in said
    return done.returncode, said


def test_what_is_right_is_said_and_ends_with_0(settings: dict[str, str]) -> None:
    code, said = check(settings)
    assert (code, "WRONG" in said, "doubtful" in said) == (0, False, False), said
    assert "Redis" in said
    assert "BINANCE_WS" in said
    assert "listener: none writes there at present" in said
    assert re.search(r"clock: the exchange's is [+-]\d+ ms from this machine's\n", said), said


def test_in_process_it_asks_no_redis(settings: dict[str, str]) -> None:
    code, said = check(settings | {"REDIS_URL": "memory://"})
    assert (code, "in-process" in said) == (0, True)


CLOSED = "127.0.0.1:1"
PLANTED = [
    (2, {"STREAM": "nonsense"}, "STREAM is wrong"),
    (2, {"REDIS_URL": f"redis://:{SECRET}@{CLOSED}"}, "REDIS_URL: Redis refuses connections"),
    (2, {"REDIS_URL": "redis://nowhere.invalid"}, "Redis' name cannot be resolved"),
    (2, {"BINANCE_WS": f"ws://{CLOSED}"}, "Connection refused"),
    (2, {"BINANCE_WS": "wss://nowhere.invalid"}, "the name nowhere.invalid cannot be resolved"),
    (2, {"http_proxy": f"http://u:{SECRET}@{CLOSED}"}, "http_proxy: the proxy 127.0.0.1 cannot"),
    (2, {"HOST": "x86_64-conda-linux-gnu"}, "is no address of this machine"),
    (1, {"FORWARDED_ALLOW_IPS": "*"}, "FORWARDED_ALLOW_IPS: * believes anybody"),
    (1, {"BINANCE_REST": f"http://{CLOSED}"}, "BINANCE_REST: "),
    (2, {"all_proxy": f"http://{CLOSED}"}, "all_proxy: the proxy 127.0.0.1 cannot be reached"),
    (1, {"SIMULATOR_FALLBACK": "1"}, "prices may be simulated"),
    (1, {"OPENS": "0"}, "OPENS: 0 is without limit"),
]


@pytest.mark.parametrize(
    ("code", "planted", "words"), long_after(7, PLANTED), ids=lambda value: str(value)[:40]
)
def test_what_is_wrong_is_named(
    settings: dict[str, str], code: int, planted: dict[str, str], words: str
) -> None:
    assert (code, True) == ((said := check(settings | planted))[0], words in said[1]), said[1]


def test_a_port_that_is_taken_is_named(settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        code, said = check(settings | {"PORT": port})
    assert (code, f"cannot listen on 127.0.0.1 port {port}" in said) == (2, True)


@pytest.fixture(scope="module")
def running(
    simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The settings of a relay that runs: a listener with metrics and a worker."""
    metrics_port = str(free_port())
    with RedisServer(tmp_path_factory.mktemp("running")) as server:
        settings = {"REDIS_URL": server.url, "OPERATOR_TOKENS": f"me:{SECRET}"}
        listener = Listener(BINANCE_WS=simulator.url, METRICS_PORT=metrics_port, **settings)
        with listener, Gunicorn(**settings) as relay:
            relay.wait_until_ready()
            yield settings | {"PORT": str(relay.port), "METRICS_PORT": metrics_port}


def test_a_relay_that_runs_already_is_told_of(
    settings: dict[str, str], running: dict[str, str]
) -> None:
    code, said = check(settings | running)
    assert (code, "WRONG" in said) == (0, False), said
    port, metrics_port = running["PORT"], running["METRICS_PORT"]
    relay = (
        rf"PORT: a relay answers at 127\.0\.0\.1 port {port} already: live, SIMULATED, at \w+-\d+\n"
    )
    assert re.search(relay, said), said
    listener = (
        f"METRICS_PORT: a listener answers at 127.0.0.1 port {metrics_port} already: it writes\n"
    )
    assert listener in said
    assert re.search(r"listener: \S+:\d+:\w+:1 writes there\n", said), said
    stranger = settings | running | {"OPERATOR_TOKENS": ""}
    code, said = check(stranger)
    assert f"port {port} already: live, SIMULATED\n" in said
    assert f"port {metrics_port} already: it lets only operators ask\n" in said


@long
def test_a_metrics_port_that_is_taken_is_named(settings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        code, said = check(settings | {"METRICS_PORT": port})
        assert (code, f"HOST, METRICS_PORT: cannot listen on 127.0.0.1 port {port}" in said) == (
            2,
            True,
        )
        code, said = check(settings | {"METRICS_PORT": port, "REDIS_URL": "memory://"})
        assert (code, "METRICS_PORT: not used in-process" in said) == (0, True)
    code, said = check(settings | {"METRICS_PORT": settings["PORT"]})
    assert (code, "METRICS_PORT: the same as PORT" in said) == (1, True)


def test_too_few_open_files_are_named(settings: dict[str, str]) -> None:
    code, said = check(settings | {"MAX_CLIENTS": "5000"}, "prlimit", "--nofile=300:300")
    assert (code, "300 open files are allowed" in said) == (1, True)


def test_an_exchange_that_says_nothing_is_named(settings: dict[str, str]) -> None:
    with ScriptedExchange() as silent:
        code, said = check(settings | {"BINANCE_WS": silent.url, "FEED_SILENCE_SECONDS": "0.3"})
    assert (code, "connected, but no data for 0.3 s" in said) == (2, True)


def test_simulated_prices_and_an_exchange_that_refuses_are_named(settings: dict[str, str]) -> None:
    assert "SIMULATED" in check(settings)[1]
    with Simulator("--fault", "refuse-451", stderr=subprocess.DEVNULL) as refusing:
        code, said = check(
            settings
            | {
                "BINANCE_WS": refusing.url,
                "BINANCE_REST": settings["BINANCE_WS"].replace("ws:", "http:"),
            }
        )
    line = f"BINANCE_WS: {refusing.url}: refused with HTTP 451: not served from here\n"
    assert (code, line in said) == (2, True), said


def test_a_source_that_fails_is_a_nuisance_where_another_one_works(
    settings: dict[str, str],
) -> None:
    code, said = check(settings | {"BINANCE_WS": f"ws://{CLOSED},{settings['BINANCE_WS']}"})
    assert (code, "WRONG" in said) == (1, False)


def test_a_clock_that_is_off_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\nreal = time.time\ntime.time = lambda: real() - 10\n"
    )
    code, said = check(settings | {"PYTHONPATH": str(tmp_path)})
    assert code == 1, said
    for whose in ("Redis' machine is", "the exchange's is"):
        assert re.search(rf"clock: {whose} \+(10\.\d|9\.9) s from this", said), said


@pytest.fixture(scope="module")
def odd_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    options = ("--client-output-buffer-limit", "pubsub", "1mb", "1mb", "60")
    memory = ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    directory: Path = tmp_path_factory.mktemp("odd")
    with RedisServer(directory, *options, *memory) as server:
        yield server


def test_a_redis_that_cuts_workers_or_throws_prices_away_is_named(
    settings: dict[str, str], odd_redis: RedisServer
) -> None:
    code, said = check(settings | {"REDIS_URL": odd_redis.url})
    assert code == 1
    assert "client-output-buffer-limit pubsub is 1048576 bytes" in said
    assert "maxmemory-policy allkeys-lru may throw prices away" in said


def test_a_redis_without_memory_is_not_called_a_matter_of_rights(
    settings: dict[str, str], odd_redis: RedisServer
) -> None:
    odd_redis.client.config_set("maxmemory-policy", "noeviction")
    odd_redis.client.config_set("maxmemory", 1)
    try:
        code, said = check(settings | {"REDIS_URL": odd_redis.url})
    finally:
        odd_redis.client.config_set("maxmemory", "100mb")
        odd_redis.client.config_set("maxmemory-policy", "allkeys-lru")
    assert (code, "may not" in said) == (2, False), said
    assert "its user cannot write its keys: Redis is out of memory" in said


def test_a_redis_user_who_may_not_write_is_named(
    settings: dict[str, str], odd_redis: RedisServer
) -> None:
    rules = [
        "on",
        f">{SECRET}",
        "allkeys",
        "allchannels",
        "+@read",
        "+@connection",
        "+info",
        "+time",
    ]
    odd_redis.client.execute_command("ACL", "SETUSER", "reader", *rules)
    url = odd_redis.url.replace("//", f"//reader:{SECRET}@")
    code, said = check(settings | {"REDIS_URL": url})
    assert code == 2
    for right in ("write its keys", "publish", "run scripts"):
        assert f"its user may not {right}" in said
    odd_redis.client.execute_command(
        "ACL",
        "SETUSER",
        "reader",
        "+@all",
        "resetkeys",
        "resetchannels",
        "~relay:{prices}:*",
        "&relay:{prices}:*",
    )
    _, said = check(settings | {"REDIS_URL": url})
    for right in ("write prices (~prices", "publish prices (&prices:updates"):
        assert f"its user may not {right}" in said
    code, said = check(settings | {"REDIS_URL": url.replace(SECRET, SECRET[:-1])})
    assert (code, "Redis accepts neither our user nor our password" in said) == (2, True)
