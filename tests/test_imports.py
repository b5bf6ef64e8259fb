"""The rooms of the house, and who may know whom."""

import ast
from pathlib import Path

import pytest

from tests.processes import ROOT

RELAY = ROOT / "relay"
#: Third-party packages that have one home, or two.
HOMES = {
    "redis": {"relay.store"},
    "websocket": {"relay.connection"},
    "websockets": {"relay.simulator"},
    "geventwebsocket": {"relay.rfc6455", "relay.worker"},
    "gunicorn": {"relay.worker"},
    "pydantic": {"relay.config"},
    "pydantic_settings": {"relay.config"},
    "tenacity": {"relay.backoff"},
    "flask": {"relay.sse", "relay.ws", "relay.api", "relay.pages", "relay.site"},
}
#: Room: the rooms of ours that it may import. Arrows point inward.
PURE = {"ticker", "batch", "board", "binance", "streams", "pace"}
PURE |= {"delivery", "form", "subscription", "takeover"}
FEED = {"feed", "session", "source", "connection"}
INGEST = {"ingest", "intake", "writer", "catalogue", "rest", "recorder"}
CORE = {"hub", "cohort", "client", "health", "essential"}
TRANSPORTS = {"sse", "ws", "api", "pages"}
NEVER = {
    "config": {"*"},
    **dict.fromkeys(
        PURE, CORE | TRANSPORTS | FEED | INGEST | {"store", "config", "site", "worker"}
    ),
    **dict.fromkeys(FEED, CORE | TRANSPORTS | INGEST | {"store", "board", "site", "worker"}),
    "intake": CORE | TRANSPORTS | FEED | {"store", "board", "site", "worker", "config"},
    "writer": CORE | TRANSPORTS | FEED | {"store", "board", "site", "worker", "config"},
    "store": CORE | TRANSPORTS | FEED | {"board", "binance", "intake", "site", "worker"},
    **dict.fromkeys(
        CORE, TRANSPORTS | FEED | INGEST | {"store", "binance", "config", "site", "worker"}
    ),
    **dict.fromkeys(TRANSPORTS, FEED | INGEST | {"store", "binance", "config", "worker"}),
    "worker": CORE | TRANSPORTS | FEED | {"store", "site", "config", "binance"},
}


def modules() -> list[Path]:
    return sorted(RELAY.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_every_library_has_one_home(path: Path) -> None:
    for package, homes in HOMES.items():
        if any(name_of(path).startswith(home) for home in homes):
            continue
        strays = [name for name in imports(path) if name.split(".")[0] == package]
        assert strays == [], f"{package} belongs in {homes}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_inward(path: Path) -> None:
    room = name_of(path).split(".")[1] if "." in name_of(path) else ""
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("relay.")} - {room}
    forbidden = NEVER.get(room, set())
    assert not (ours if forbidden == {"*"} else ours & forbidden)


def test_nothing_imports_the_entry_points() -> None:
    for path in modules():
        assert not imports(path) & {"app", "listener"}
