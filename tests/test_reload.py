"""What signals do to a server: a HUP with something wrong ends nothing that serves."""

import os
import shutil
import signal
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.certificates import make_certificate, needs_openssl
from tests.long import long
from tests.plain_http import NO_TLS
from tests.ports import free_port, listens
from tests.processes import ROOT, Gunicorn, Process, wait_until

NOWHERE = "ws://127.0.0.1:1"


class Site(Process):
    """The relay, in a directory where its settings and its entry point can be broken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ("app.py", "gunicorn.conf.py"):
            shutil.copy(ROOT / name, directory)
        self.port = free_port()
        self._whole = {
            name: (directory / name).read_text() for name in ("app.py", "gunicorn.conf.py")
        }
        self._whole[".env"] = f"BINANCE_WS={NOWHERE}\nPORT={self.port}\n"
        self.mend()
        # A file that is written twice in a second, and is as long, would be taken for the first one.
        env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        super().__init__([sys.executable, "-m", "gunicorn", "app:app"], env, directory)
        wait_until(lambda: answers(self.url), "an answer")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def children(self) -> list[str]:
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()

    def add(self, name: str, text: str) -> None:
        """To the end of one of its files."""
        (self._directory / name).write_text(f"{self._whole[name]}\n{text}\n")

    def mend(self) -> None:
        for name, text in self._whole.items():
            (self._directory / name).write_text(text)

    def says(self, number: int, pattern: str) -> None:
        """Waits for a line that follows on a signal."""
        start = len(self.output)
        self.signal(number)
        self.wait_for_line(pattern, start)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("app.py", "def (", r"SyntaxError: invalid syntax \(app.py, line \d+\)\.$"),
        (
            "app.py",
            "import relay.nothing",
            r"ModuleNotFoundError: .*'relay.nothing' \(app.py, line \d+\)",
        ),
        (
            "gunicorn.conf.py",
            "1 / 0",
            r"ZeroDivisionError: division by zero \(gunicorn.conf.py, line",
        ),
        ("gunicorn.conf.py", "workers = 'many'", "invalid literal for int"),
        ("gunicorn.conf.py", "workers = 0", "WEB_CONCURRENCY, or -w, is wrong"),
        ("gunicorn.conf.py", "workers = 2", "REDIS_URL must name a Redis server"),
        (".env", "HOST=203.0.113.7", "HOST is wrong: '203.0.113.7' is no address of this machine"),
    ],
)
def test_a_reload_that_would_end_the_server_is_refused(
    site: Site, name: str, text: str, why: str
) -> None:
    before = site.children
    site.add(name, text)
    site.says(signal.SIGHUP, f"not reloaded, the workers stay as they are: .*{why}")
    site.mend()
    assert answers(site.url)
    assert site.children == before


def test_what_a_signal_does_not_do_here_is_said(site: Site) -> None:
    site.says(signal.SIGWINCH, "WINCH ends the workers of a daemon")
    site.says(signal.SIGTTOU, "no fewer than one worker")
    assert answers(site.url)


def test_a_worker_that_dies_while_the_code_is_broken_does_not_end_the_server(site: Site) -> None:
    site.add("app.py", "1 / 0")
    start = len(site.output)
    os.kill(int(site.children[0]), signal.SIGKILL)
    site.wait_for_line("a worker cannot begin, another one is tried soon", start)
    site.mend()
    # It is tried again when that one has waited.
    os.kill(int(site.children[0]), signal.SIGKILL)
    wait_until(lambda: answers(site.url), "an answer of the worker that took its place")


def test_a_worker_that_cannot_begin_holds_no_port_while_it_waits(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.add("app.py", "1 / 0")
        start = len(site.output)
        os.kill(int(site.children[0]), signal.SIGKILL)
        site.wait_for_line("a worker cannot begin, another one is tried soon", start)
        (waiting,) = site.children
        # However long it waits.
        os.kill(int(waiting), signal.SIGSTOP)
        try:
            site.signal(signal.SIGKILL)
            wait_until(lambda: not listens(site.port), "the port to be free")
        finally:
            os.kill(int(waiting), signal.SIGKILL)


def test_another_master_takes_over_and_whose_master_dies_frees_the_port(tmp_path: Path) -> None:
    with Site(tmp_path) as old:
        first = int(old.children[0])
        old.says(signal.SIGUSR2, "Booting worker")
        master = next(int(child) for child in old.children if int(child) != first)
        try:
            old.signal(signal.SIGTERM)
            wait_until(lambda: old.has_ended, "the end of the first one")
            wait_until(lambda: answers(old.url), "an answer of the second one")
            start = len(old.output)
        finally:
            os.kill(master, signal.SIGKILL)
        wait_until(lambda: not listens(old.port), "the port to be free")
        wait_until(lambda: "Worker exiting" in "".join(old.output[start:]), "the worker's end")
        said = [line for line in old.output[start:] if "INFO" not in line]
        assert len(said) == 1
        assert "the master has died" in said[0]


def hang_a_trial(site: Site) -> None:
    """A reload whose trial does not end by itself."""
    site.add("app.py", "import time; time.sleep(60)")
    site.says(signal.SIGHUP, "Hang up")
    wait_until(lambda: len(site.children) == 2, "the trial")


def test_a_server_that_is_told_to_end_waits_for_no_trial(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        hang_a_trial(site)
        site.signal(signal.SIGHUP)
        site.signal(signal.SIGTERM)
        assert site.wait() == 0


@long
def test_a_trial_does_not_keep_the_port_of_a_master_that_dies(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        hang_a_trial(site)
        trial = int(site.children[-1])
        try:
            site.signal(signal.SIGKILL)
            wait_until(lambda: not listens(site.port), "the port to be free")
        finally:
            os.kill(trial, signal.SIGKILL)
        wait_until(lambda: "the master has died" in "".join(site.output), "the worker's last word")


@long
def test_a_worker_that_is_told_to_end_before_it_serves_is_no_failure(tmp_path: Path) -> None:
    with Site(tmp_path) as site:
        site.add(
            "app.py", "import time\nprint('loads', flush=True)\nfor _ in range(99): time.sleep(1)"
        )
        start = len(site.output)
        os.kill(int(site.children[0]), signal.SIGKILL)
        site.wait_for_line("loads", start)
        site.says(signal.SIGTERM, "Shutting down")
        assert "cannot begin" not in "".join(site.output[start:])


@long
def test_a_master_that_cannot_begin_another_one_leaves_its_workers_alone(tmp_path: Path) -> None:
    directory = tmp_path / "release"
    directory.mkdir()
    with Site(directory) as site:
        before = site.children
        shutil.rmtree(directory)
        site.says(signal.SIGUSR2, "no other master can be begun: .*No such file or directory")
        wait_until(lambda: site.children == before, "the other one's end")
        assert answers(site.url)
        assert "Worker exiting" not in "".join(site.output)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", verify=NO_TLS).status_code == 200
    except httpx.TransportError:
        return False


@long
def test_a_wrong_setting_in_env_leaves_the_settings_as_they_were(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(f"BINANCE_WS={NOWHERE}\n")
    options = ("-c", str(ROOT / "gunicorn.conf.py"), "-b", "127.0.0.1:0", "app:app")
    with Process([sys.executable, "-m", "gunicorn", *options], directory=tmp_path) as master:
        url = master.wait_for_line(r"Listening at: (http://127\.0\.0\.1:\d+)").group(1)
        wait_until(lambda: answers(url), "an answer")
        env.write_text(f"BINANCE_WS={NOWHERE}\nSTREAM=nonsense\n")
        start = len(master.output)
        master.signal(signal.SIGHUP)
        master.wait_for_line("the settings stay as they were: STREAM is wrong", start)
        worker = int(master.wait_for_line(r"Booting worker with pid: (\d+)", start).group(1))
        wait_until(lambda: answers(url), "an answer")
        start = len(master.output)
        os.kill(worker, signal.SIGKILL)
        master.wait_for_line("Booting worker with pid", start)
        wait_until(lambda: answers(url), "an answer of the worker that took its place")
        assert not master.has_ended


@needs_openssl
def test_a_wrong_certificate_leaves_the_workers_as_they_are(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    options = ("--certfile", str(made.certificate), "--keyfile", str(made.key))
    trusted = ssl.create_default_context(cafile=made.certificate)
    with Gunicorn(options=options, verify=trusted, BINANCE_WS=NOWHERE) as relay:
        wait_until(lambda: relay.http.get("/livez").status_code == 200, "an answer")
        before = relay.worker_pids()
        right = made.certificate.read_text()
        made.certificate.write_text("no certificate")
        relay.signal(signal.SIGHUP)
        relay.wait_for_line("not reloaded, the workers stay as they are: certfile or keyfile")
        assert relay.http.get("/livez").status_code == 200
        assert relay.worker_pids() == before
        made.certificate.write_text(right)
        relay.signal(signal.SIGHUP)
        wait_until(lambda: relay.worker_pids()[-1:] not in ([], before[-1:]), "another worker")
        # A worker that has only begun hears no TERM, and would be waited for.
        relay.kill()
