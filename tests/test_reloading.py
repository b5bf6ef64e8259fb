"""What gunicorn's master does at signals, of a master that only notes it."""

import os
from pathlib import Path
from types import SimpleNamespace
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
        self.START_CTX: dict[str, Any] = {"args": []}
        self.cfg = SimpleNamespace(daemon=True)
        self.log = SimpleNamespace(error=self._say, warning=self._say)

    def reload(self) -> None:
        self.done.append("reload")

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
