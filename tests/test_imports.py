"""The rooms of the house, and who may know whom: an allow-list that every module is held to."""

import ast
from pathlib import Path

import pytest

from tests.processes import ROOT

RELAY = ROOT / "relay"
#: Room: the rooms that its modules may import from, besides their own. "" is the top room.
ROOMS: dict[str, set[str]] = {
    "": set(),
    "check": {"", "exchange", "store"},
    "exchange": {""},
    "history": {""},
    "ingest": {"", "exchange", "history"},
    "store": {""},
    "fanout": {""},
    "server": set(),
    "web": {"", "fanout", "history", "server"},
    "metrics": {"", "fanout", "ingest"},
    "simulator": set(),
}
#: Room: the single modules of other rooms that it may import as well.
MODULES: dict[str, set[str]] = {
    "history": {"relay.store.contract"},
    "metrics": {"relay.store.contract"},
    "ingest": {"relay.store.contract"},
    "server": {
        "relay.amount",
        "relay.complaint",
        "relay.logs",
        "relay.plain_lines",
        "relay.request_id",
        "relay.supervise",
        "relay.turn",
    },
    "web": {"relay.config"},
}
#: Modules that are not for every room that may use the top: settings are handed on as plain values.
RESERVED: dict[str, set[str]] = {
    "relay.config": {"check", "exchange", "ingest", "web"},
}
#: Third-party packages, and the only modules or rooms that may import each.
HOMES: dict[str, set[str]] = {
    "flask": {"relay.web"},
    "gevent": {"relay"},
    "geventwebsocket": {"relay.server.websocket"},
    "greenlet": {"relay"},
    "gunicorn": {"relay.server.worker", "relay.server.log"},
    "prometheus_client": {"relay.metrics.dead", "relay.metrics.families"},
    "itsdangerous": {"relay.web.access"},
    "msgspec": {"relay"},
    "pydantic": {"relay.config"},
    "pydantic_settings": {"relay.config"},
    "python_socks": {"relay.exchange.tunnel"},
    "redis": {"relay.store"},
    "websocket": {"relay.exchange.frame_limits"},
    "websockets": {"relay.simulator"},
    "werkzeug": {"relay.web"},
}


def modules() -> list[Path]:
    return sorted(RELAY.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    """The room of a module of ours: "exchange" for relay.exchange.feed, "" for relay.ticker."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else ""


def imports(path: Path) -> set[str]:
    """What a module imports, as modules: `from relay import pace` is relay.pace."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if is_module(inner) else node.module)
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_room_imports_only_from_rooms_that_it_may_know(path: Path) -> None:
    room = room_of(name_of(path))
    for name in imports(path):
        if name.split(".")[0] != "relay" or name == "relay":
            continue
        allowed = ROOMS[room] | {room}
        assert room_of(name) in allowed or name in MODULES.get(room, set()), name
        assert room in RESERVED.get(name, {room}), name


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_library_has_one_home(path: Path) -> None:
    name = name_of(path)
    for package in {imported.split(".")[0] for imported in imports(path)}:
        if package in HOMES:
            homes = HOMES[package]
            assert any(f"{name}.".startswith(f"{home}.") for home in homes), (package, homes)


def test_every_folder_is_a_room() -> None:
    folders = {path.parent.name for path in modules() if path.parent != RELAY}
    assert folders == set(ROOMS) - {""}


def test_nothing_imports_the_entry_points() -> None:
    for path in modules():
        assert not imports(path) & {"app", "listener"}
