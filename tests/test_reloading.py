"""What a master survives that obeys a signal: without threads, workers or sockets of its own."""

import errno
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from relay.server import reloading
from relay.server.reloading import Reloading


class Log:
    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def error(self, message: str, *args: object) -> None:
        self.errors.append(message % args)

    def warning(self, message: str, *args: object) -> None:
        self.warnings.append(message % args)


class Master:
    """What Reloading knows of gunicorn's."""

    START_CTX: dict[str, object] = {}  # noqa: RUF012 - nobody keeps it

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self.WORKERS: dict[int, Any] = {}
        self.log = Log()
        self.did: list[str] = []

    def reload(self) -> None:
        self.did.append("reload")

    def reexec(self) -> None:
        self.did.append("reexec")

    def handle_ttou(self) -> None:
        self.did.append("ttou")

    def handle_winch(self) -> None:
        self.did.append("winch")


def test_a_worker_may_be_taken_away_while_all_of_them_have_just_died() -> None:
    master = Master(num_workers=2)
    Reloading(master, lambda: None).take_away()
    assert master.did == ["ttou"]


def test_a_machine_without_room_for_a_trial_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", fork)
    master = Master(num_workers=1)
    before = len(os.listdir("/proc/self/fd"))
    Reloading(master, lambda: None).reload()
    assert master.did == []
    assert master.log.errors == [
        "not reloaded, the workers stay as they are: no trial can be made: "
        "Resource temporarily unavailable."
    ]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_cannot_be_looked_at_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("relay.vanished")
    module.__file__ = "x" * 5000
    monkeypatch.setitem(sys.modules, "relay.vanished", module)
    Reloading(Master(num_workers=1), lambda: None)


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
    master = Master(num_workers=1)
    signals = Reloading(master, lambda: None)
    signals.reload()
    assert (len(master.log.errors), master.log.warnings) == (1, [])
    os.utime(file, (1, 1))
    signals.reload()
    assert len(master.log.errors) == 2
    assert master.log.warnings == [
        "the master goes on with what it read at its start of relay.renewed: "
        "a restart or USR2 reads that anew"
    ]
