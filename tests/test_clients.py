"""Clients of every ecosystem, all of them at once at one relay: refused, served, cut, sent away, unheard,
turned away by a proxy, and back."""

import gzip
import importlib.util
import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cable import Cable
from tests.node import NPM, node
from tests.processes import ROOT, Gunicorn, Process, wait_until
from tests.scripted import ScriptedExchange

CLIENTS = ROOT / "tests" / "clients"
PYTHON = {
    "httpx_sse": "httpx_sse",
    "sseclient": "sseclient",
    "aiohttp": "aiohttp",
    "websockets": "websockets",
    "websocket_client": "websocket",
}
NODE = {
    "eventsource": "eventsource",
    "fetch_event_source": "@microsoft/fetch-event-source",
    "ws": "ws",
}
#: What `make go-clients` builds: that takes half a minute, the first time.
GO_PROGRAM = CLIENTS / "go" / "clients"
GO = ("net/http", "r3labs", "gorilla", "coder")


class Program:
    """One client, and what it said it heard."""

    def __init__(self, process: Process, cable: Cable) -> None:
        self.process = process
        self.cable = cable

    @property
    def heard(self) -> list[Any]:
        lines = list(self.process.output)
        return [json.loads(line) for line in lines if line.startswith(("{", "["))]

    def wait_for(self, what: str, since: int = 0, **fields: object) -> int:
        """The number of the first line from `since` on that has these fields."""

        def found() -> list[int]:
            heard = self.heard
            return [
                number
                for number, said in enumerate(heard)
                if number >= since and fields.items() <= said.items()
            ]

        wait_until(lambda: bool(found()), f"{what}: {self.process.output[-6:]}")
        return found()[0]

    def wait_for_return(self, since: int) -> int:
        """The number of the status with which it goes on where it was."""
        number = self.wait_for("a status", since, event="status")
        assert self.heard[number]["mode"] in ("none", "changes")
        return number


@pytest.fixture(scope="module")
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def relay(exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    """It sends every stream away after about three seconds."""
    settings = {"HEARTBEAT_SECONDS": "1", "ROTATE_SECONDS": "3", "FEED_SILENCE_SECONDS": "600"}
    with Gunicorn(BINANCE_WS=exchange.url, **settings) as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


@pytest.fixture(scope="module")
def programs(relay: Gunicorn) -> Iterator[dict[str, Program]]:
    """All that are installed, each at a cable of its own, begun at once: they mostly wait."""
    commands = {
        name: [sys.executable, str(CLIENTS / f"with_{name}.py")]
        for name, module in PYTHON.items()
        if importlib.util.find_spec(module)
    }
    for name, package in NODE.items():
        if shutil.which("node") and (NPM / "node_modules" / package).exists():
            commands[name] = [node(), str(NPM / f"with_{name}.js")]
    if GO_PROGRAM.exists():
        commands |= {name: [str(GO_PROGRAM), name] for name in GO}
    with ExitStack() as stack:
        cables = {name: stack.enter_context(Cable(relay.port)) for name in commands}
        yield {
            name: Program(stack.enter_context(Process([*command, cables[name].url])), cables[name])
            for name, command in commands.items()
        }


@pytest.fixture(scope="module")
def lived(programs: dict[str, Program], exchange: ScriptedExchange) -> dict[str, Program]:
    """All of them have had their first prices and another one, and were cut off then."""
    for name, program in programs.items():
        program.wait_for(f"{name} to have a price", symbol="ETHUSDT", price="2")
    exchange.tick(BTCUSDT="1.5")
    for name, program in programs.items():
        program.wait_for(f"{name} to hear of an update", symbol="BTCUSDT", price="1.5")
    for program in programs.values():
        program.cable.cut()
    return programs


@pytest.fixture(scope="module")
def unheard(lived: dict[str, Program]) -> dict[str, int]:
    """How much each had heard when its connection began to swallow everything."""
    heard: dict[str, int] = {}

    def all_are_silenced() -> bool:
        for name, program in lived.items():
            if name not in heard and program.cable.swallow():
                heard[name] = len(program.heard)
        return len(heard) == len(lived)

    wait_until(all_are_silenced, "every connection to be silenced")
    return heard


@pytest.fixture(scope="module")
def turned_away(lived: dict[str, Program], unheard: dict[str, int]) -> dict[str, int]:
    """How much each had heard when it had been told 503, as by a proxy without a relay."""
    return heard_until(lived, unheard, Cable.refuse, lambda cable: cable.refused)


@pytest.fixture(scope="module")
def unanswered(lived: dict[str, Program], turned_away: dict[str, int]) -> dict[str, int]:
    """How much each had heard when it had asked, and nobody said anything to that."""
    return heard_until(lived, turned_away, Cable.ignore, lambda cable: cable.ignored)


def heard_until(
    programs: dict[str, Program],
    before: dict[str, int],
    spoil: Callable[[Cable], None],
    is_met: Callable[[Cable], object],
) -> dict[str, int]:
    """How much each has heard when it has come back, and then has met what spoils its next connection."""
    for name, program in programs.items():
        program.wait_for_return(before[name])
        spoil(program.cable)
    heard = {}
    for name, program in programs.items():
        wait_until(lambda program=program: is_met(program.cable), f"{name} to meet that")
        heard[name] = len(program.heard)
        program.cable.carry()
    return heard


def of(name: str, programs: dict[str, Program]) -> Program:
    if name not in programs:
        pytest.skip(f"{name} is not installed: `make test` does that, `make go-clients` for Go")
    return programs[name]


@pytest.mark.parametrize("name", [*PYTHON, *NODE, *GO])
def test_a_client_is_refused_served_and_comes_back(name: str, lived: dict[str, Program]) -> None:
    program = of(name, lived)
    program.wait_for("a refusal", refused=400)
    first = program.wait_for("a status", event="status")
    assert program.heard[first]["mode"] == "full"
    # After the cut, and after a goodbye.
    back = program.wait_for_return(first + 1)
    bye = program.wait_for("a goodbye", back, event="bye")
    program.wait_for_return(bye)


@pytest.mark.parametrize("name", [*PYTHON, *NODE, *GO])
def test_a_client_leaves_a_connection_that_is_silent(
    name: str, lived: dict[str, Program], unheard: dict[str, int]
) -> None:
    of(name, lived).wait_for_return(unheard[name])


@pytest.mark.parametrize("name", [*PYTHON, *NODE, *GO])
def test_a_client_comes_back_after_a_refusal_of_a_proxy(
    name: str, lived: dict[str, Program], turned_away: dict[str, int]
) -> None:
    of(name, lived).wait_for_return(turned_away[name])


@pytest.mark.parametrize("name", [*PYTHON, *NODE, *GO])
def test_a_client_gives_up_a_question_that_nobody_answers(
    name: str, lived: dict[str, Program], unanswered: dict[str, int]
) -> None:
    of(name, lived).wait_for_return(unanswered[name])


#: Readers of gzip that tell a whole file from one that is cut: each ends with 0 at the end of a whole one.
UNZIP = """
const { get } = require("http"), { createGunzip } = require("zlib"), { pipeline } = require("stream");
const nowhere = require("fs").createWriteStream("/dev/null");
const end = (error) => process.exit(error ? 1 : 0);
get(process.argv[1], { headers: { "Accept-Encoding": "gzip" } }, (answer) => {
  pipeline(answer, createGunzip(), nowhere, end);
});
"""


def readers(url: str) -> dict[str, list[str]]:
    """Those that are installed."""
    known = {
        "curl": ["curl", "-sSN", "--compressed", "--output", "/dev/null", url],
        "node": ["node", "-e", UNZIP, url],
    }
    return {name: command for name, command in known.items() if shutil.which(name)}


def zipped(relay: Gunicorn) -> bytes:
    """All symbols as gzip, from the first byte to the end that the relay makes."""
    headers = {"Accept-Encoding": "gzip"}
    with httpx.stream("GET", f"{relay.url}/events", headers=headers, timeout=30) as answer:
        return b"".join(answer.iter_raw())


def test_a_stream_that_is_sent_away_is_a_whole_gzip_file(relay: Gunicorn, tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = None
        if GO_PROGRAM.exists():
            reader = stack.enter_context(Process([str(GO_PROGRAM), "gzip", relay.url]))
        others = {
            name: stack.enter_context(Process(command))
            for name, command in readers(f"{relay.url}/events").items()
        }
        file = zipped(relay)
        assert b"event: bye" in gzip.decompress(file)
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        inflater.decompress(file)
        assert (inflater.eof, inflater.unused_data) == (True, b"")
        (tmp_path / "stream.gz").write_bytes(file)
        test = [shutil.which("gzip") or "gzip", "-t", str(tmp_path / "stream.gz")]
        subprocess.run(test, check=True)
        for name, other in others.items():
            assert other.wait() == 0, (name, other.output)
        if reader is not None:
            assert json.loads(reader.wait_for_line("gzip").string) == {"gzip": "<nil>"}
