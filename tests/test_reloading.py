"""What gunicorn's master does at signals, of a master that only notes it."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from relay.server import generations, reloading
from relay.server.generations import Generations
from relay.server.reloading import Reloading


class Master:
    """As gunicorn's, with workers of the ages 3, 4 and 5."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.said: list[str] = []
        self.num_workers = 3
        self.WORKERS = {age: SimpleNamespace(age=age) for age in (4, 3, 5)}
        self.queued: list[int] = []
        self.START_CTX: dict[str, Any] = {"args": []}
        self.cfg = SimpleNamespace(daemon=True)
        self.log = SimpleNamespace(error=self._say, warning=self._say)

    def reload(self) -> None:
        self.done.append("reload")

    def reexec(self) -> None:
        self.done.append("reexec")

    def signal(self, number: int, frame: object) -> None:  # noqa: ARG002
        self.queued.append(number)

    def handle_ttou(self) -> None:
        self.done.append("ttou")

    def handle_winch(self) -> None:
        self.done.append("winch")

    def _say(self, text: str, *values: object) -> None:
        self.said.append(text % values)


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Master:
    """Its reloads would serve."""
    master = Master()
    monkeypatch.setattr(reloading, "rehearse", lambda *_: "")
    Reloading(master, lambda: None)
    return master


def test_after_a_reload_it_names_what_it_does_not_read_anew(
    master: Master, monkeypatch: pytest.MonkeyPatch
) -> None:
    master.reload()
    assert (master.done, master.said) == (["reload"], [])
    files = reloading._files()
    monkeypatch.setattr(reloading, "_files", lambda: files | {generations.__name__: b"new"})
    master.reload()
    assert master.done == ["reload", "reload"]
    assert "relay.server.generations: a restart or USR2" in master.said[0]


def test_what_was_put_in_place_anew_and_is_the_same_has_not_changed(
    master: Master, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = Path(generations.__file__)
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())
    os.utime(copy, (1, 1))
    monkeypatch.setattr(generations, "__file__", str(copy))
    master.reload()
    assert master.said == []
    copy.write_text("another = 1")
    master.reload()
    assert "relay.server.generations: a restart or USR2" in master.said[0]


def test_a_reload_that_would_not_serve_is_not_begun(
    master: Master, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "rehearse", lambda *_: "PORT is wrong.")
    master.reload()
    assert master.done == []
    assert master.said == ["not reloaded, the workers stay as they are: PORT is wrong."]


def test_who_asks_for_a_reload_that_has_not_begun_is_served_by_it(master: Master) -> None:
    for _ in range(3):
        master.signal(signal.SIGHUP, None)
    assert master.queued == [signal.SIGHUP]
    master.reload()
    master.signal(signal.SIGUSR1, None)
    master.signal(signal.SIGHUP, None)
    assert master.queued == [signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_trial_is_over_where_the_server_is_to_end(
    master: Master, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def rehearse(_server: object, _prepare: object, ends: Callable[[], bool]) -> str:
        assert not ends()
        master.signal(number, None)
        return "told to end." if ends() else ""

    monkeypatch.setattr(reloading, "rehearse", rehearse)
    master.reload()
    assert (master.done, master.queued) == ([], [number])


def test_one_that_is_taken_away_has_successors(
    master: Master, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Generations()
    monkeypatch.setattr(reloading, "GENERATIONS", shared)
    master.handle_ttou()
    assert master.done == ["ttou"]
    assert [shared.succeed(age) for age in (3, 4, 5)] == [True, False, False]


def test_a_daemon_ends_its_workers(master: Master) -> None:
    master.handle_winch()
    assert (master.done, master.said) == (["winch"], [])


def test_a_worker_may_be_taken_away_while_all_of_them_have_just_died(master: Master) -> None:
    master.WORKERS = {}
    master.handle_ttou()
    assert master.done == ["ttou"]


def test_a_machine_without_room_for_a_trial_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", fork)
    master = Master()
    Reloading(master, lambda: None)
    before = len(os.listdir("/proc/self/fd"))
    master.reload()
    assert master.done == []
    assert master.said == [
        "not reloaded, the workers stay as they are: no trial can be made: "
        "Resource temporarily unavailable."
    ]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_cannot_be_looked_at_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("relay.vanished")
    module.__file__ = "x" * 5000
    monkeypatch.setitem(sys.modules, "relay.vanished", module)
    Reloading(Master(), lambda: None)


def test_a_reload_that_fails_for_what_the_master_has_read_before_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An application of today meets the modules of yesterday, and lacks a name."""
    file = tmp_path / "renewed.py"
    file.touch()
    module = ModuleType("relay.renewed")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "relay.renewed", module)
    monkeypatch.setattr(reloading, "rehearse", lambda *_: "ImportError: cannot import name.")
    master = Master()
    Reloading(master, lambda: None)
    refusal = "not reloaded, the workers stay as they are: ImportError: cannot import name."
    master.reload()
    assert master.said == [refusal]
    file.write_text("name = 1")
    master.reload()
    assert master.said[1:] == [
        refusal,
        "the master goes on with what it read at its start of relay.renewed: "
        "a restart or USR2 reads that anew",
    ]
