"""/metrics: one answer for all workers of a gunicorn, and one of the listener's."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.metrics import directory, leftovers
from relay.metrics.dead import TOGETHER, forget
from relay.metrics.reference import NAMES
from relay.web.site import create_site
from tests import plain_http
from tests.archive import nothing_past
from tests.long import long
from tests.ports import free_port
from tests.processes import ROOT, Gunicorn, Listener, RedisServer, wait_until
from tests.prometheus import names, samples
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

TOKEN = "o" * 16


@pytest.fixture(scope="module")
def market() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def listener(market: ScriptedExchange, _redis_process: RedisServer) -> Iterator[str]:
    _redis_process.client.flushall()
    port = str(free_port())
    settings = {
        "REDIS_URL": _redis_process.url,
        "METRICS_PORT": port,
        "FEED_SILENCE_SECONDS": "600",
    }
    with Listener(BINANCE_WS=market.url, OPERATOR_TOKENS=f"prometheus:{TOKEN}", **settings) as one:
        one.wait_for_line("metrics are at port")
        market.tick(BTCUSDT="1", ETHUSDT="2")
        yield f"http://127.0.0.1:{port}/metrics"


@pytest.fixture(scope="module")
def relay(
    listener: str, _redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gunicorn]:
    directory = tmp_path_factory.mktemp("metrics")
    (directory / "counter_1.db").write_bytes(b"left over by another gunicorn")
    settings = {"REDIS_URL": _redis_process.url, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    with Gunicorn(workers=2, **settings) as relay:
        relay.wait_until_ready()
        yield relay


def seen(relay: Gunicorn) -> dict[str, float]:
    return samples(relay.http.get("/metrics").text)


def wait_for(relay: Gunicorn, **wanted: float) -> None:
    def are_seen() -> bool:
        now = seen(relay)
        return all(now.get(name.replace("__", " ")) == value for name, value in wanted.items())

    wait_until(are_seen, f"{wanted}")


def test_any_worker_answers_for_all_and_forgets_one_that_dies(
    relay: Gunicorn, market: ScriptedExchange
) -> None:
    streams = [EventSource(relay.port) for _ in range(6)]
    try:
        for stream in streams:
            stream.wait_for_price("BTCUSDT")
        wait_for(
            relay,
            relay_processes__worker=2,
            relay_streams__plain__sse=6,
            relay_opens_total__sse=6,
            relay_deliveries_total=12,
            relay_feed_state__live=2,
        )
        market.tick(BTCUSDT="3")
        wait_for(relay, relay_deliveries_total=18)
        victim = relay.worker_pids()[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in relay.worker_pids(), "its end")
        wait_until(lambda: len(relay.worker_pids()) == 2, "another one")
        wait_for(relay, relay_processes__worker=2, relay_opens_total__sse=6)
        left = sum(not stream.ended for stream in streams)
        wait_for(relay, relay_streams__plain__sse=left)
    finally:
        for stream in streams:
            stream.close()


def test_the_listener_answers_at_a_port_of_its_own(listener: str) -> None:
    assert plain_http.get(listener).status_code == 401
    wrong = {"Authorization": f"Bearer {TOKEN[1:]}x"}
    assert plain_http.get(listener, headers=wrong).status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert plain_http.get(listener[:-1], headers=right).status_code == 404

    def leads() -> bool:
        now = samples(plain_http.get(listener, headers=right).text)
        leads = now["relay_leading"] == 1 and now["relay_processes listener"] == 1
        return (
            leads and now["relay_updates_written_total"] >= 2 and now["relay_feed_state live"] == 1
        )

    wait_until(leads, "the listener to say that it leads")


def test_every_metric_of_the_reference_is_there(relay: Gunicorn, listener: str) -> None:
    told = names(relay.http.get("/metrics").text)
    told |= names(plain_http.get(listener, headers={"Authorization": f"Bearer {TOKEN}"}).text)
    assert {name for name in NAMES if name not in told and f"{name}_sum" not in told} == set()


def test_a_scraper_of_openmetrics_is_answered_so(relay: Gunicorn) -> None:
    answer = relay.http.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_directory_goes_with_the_gunicorn_that_made_it(
    market: ScriptedExchange, tmp_path: Path
) -> None:
    with Gunicorn(BINANCE_WS=market.url, TMPDIR=str(tmp_path)) as relay:
        assert "relay_processes" in relay.http.get("/metrics").text
        assert len(list(tmp_path.glob("relay-metrics-*"))) == 1
    assert list(tmp_path.glob("relay-metrics-*")) == []


def test_a_worker_without_place_for_its_numbers_keeps_them_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be ended by the kernel at its first number, and each that takes its place."""
    monkeypatch.setenv(directory.VARIABLE, str(tmp_path))
    assert directory.reserve(7) == ""
    sizes = {file.name: file.stat().st_blocks * 512 for file in tmp_path.iterdir()}
    assert set(sizes) == {
        f"{kind}_7.db" for kind in ("counter", "gauge_livemax", "gauge_livesum", "histogram")
    }
    assert min(sizes.values()) >= 1 << 16
    (tmp_path / "histogram_8.db").symlink_to("/dev/full")
    assert directory.reserve(8) == "No space left on device"
    assert directory.VARIABLE not in os.environ
    assert {file.name for file in tmp_path.iterdir()} == set(sizes)


def test_a_directory_that_cannot_be_used_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AssertionError, match=r"PROMETHEUS_MULTIPROC_DIR, or .* cannot be used"):
        Gunicorn(PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file"))


@long
def test_a_server_outlives_what_goes_wrong_with_the_numbers_of_a_dead_worker(
    tmp_path: Path,
) -> None:
    settings = {"BINANCE_WS": "ws://127.0.0.1:1", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with Gunicorn(**settings) as relay:
        wait_until(lambda: relay.http.get("/livez").status_code == 200, "an answer")
        (worker,) = relay.worker_pids()
        (tmp_path / f"counter_dead{worker}.db").mkdir()
        start = len(relay.output)
        os.kill(worker, signal.SIGKILL)
        relay.wait_for_line(
            "the numbers of a worker that has gone are lost: .*Is a directory", start
        )
        relay.wait_for_line("Booting worker", start)


def killed_between(prefix: str) -> str:
    """A directory whose maker is killed, as by the kernel when memory is short."""
    code = f"from relay.metrics.leftovers import make; print(make({prefix!r}), flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        made = maker.stdout.readline().strip()
        assert leftovers.sweep(prefix) == 0
        maker.kill()
    return made


def test_a_directory_whose_gunicorn_was_killed_goes_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    left = killed_between("relay-metrics-")
    others = [tmp_path / "relay-metrics-without-a-lock", tmp_path / "relay-other"]
    for other in others:
        other.mkdir()
    (tmp_path / "relay-metrics-link").symlink_to(others[1])
    (others[1] / "in-use").touch()
    living = leftovers.make("relay-metrics-")
    assert leftovers.sweep("relay-metrics-") == 1
    assert not Path(left).exists()
    assert Path(living).exists()
    assert all(other.exists() for other in others)


def test_a_leftover_is_found_behind_however_many_that_are_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(leftovers, "MAX_LOOKS", 2)
    for _ in range(5):
        leftovers.make("relay-metrics-")
    left = Path(killed_between("relay-metrics-"))
    # Each start has a chance of one in three.
    wait_until(lambda: leftovers.sweep("relay-metrics-") == 1, "the leftover to be found")
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 5


def test_a_directory_is_kept_while_a_child_of_its_maker_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import os; from relay.metrics.leftovers import make\n"
        "made = make('relay-metrics-')\n"
        "if os.fork(): os.kill(os.getpid(), 9)\n"
        "print(made, flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True, **pipes
    ) as maker:
        assert maker.stdout is not None
        made = Path(maker.stdout.readline().strip())
        maker.wait()
        assert leftovers.sweep("relay-metrics-") == 0
        assert made.exists()
    wait_until(lambda: leftovers.sweep("relay-metrics-") == 1, "the child's end")


def test_metrics_can_be_turned_off() -> None:
    site = create_site(Hub(Health()), Config(_env_file=None), nothing_past())
    assert site.test_client().get("/metrics").status_code == 404


def test_dead_workers_are_added_up_in_a_few_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(directory.VARIABLE, str(tmp_path))
    keys = {
        "counter": mmap_key("relay_a_total", "relay_a_total", ["transport"], ["sse"], "A."),
        "histogram": mmap_key("relay_b_seconds", "relay_b_seconds_sum", [], [], "B."),
        "gauge_livesum": mmap_key("relay_c", "relay_c", [], [], "C."),
    }
    workers = 3 * TOGETHER
    for pid in range(1, workers + 1):
        for kind, key in keys.items():
            file = MmapedDict(str(tmp_path / f"{kind}_{pid}.db"))
            file.write_value(key, 2.0, 0.0)
            file.close()
        forget(pid)
    left = sorted(file.name for file in tmp_path.iterdir())
    assert len(left) < 2 * TOGETHER
    assert not [name for name in left if name.startswith("gauge")]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))
    assert registry.get_sample_value("relay_a_total", {"transport": "sse"}) == 2.0 * workers
    assert registry.get_sample_value("relay_b_seconds_sum") == 2.0 * workers
    assert registry.get_sample_value("relay_c") is None
