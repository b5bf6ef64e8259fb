"""What /api/asyncapi.json says of /ws: whether it is AsyncAPI, and all that the relay hears and says."""

import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.node import NPM
from tests.processes import Gunicorn, RedisServer, wait_until
from tests.scribe import Scribe

#: The schemas of AsyncAPI's own makers, which `make test` installs.
SPECS = NPM / "node_modules" / "@asyncapi" / "specs" / "schemas"


@pytest.fixture
def worker(_redis_process: RedisServer, scribe: Scribe) -> Iterator[Gunicorn]:
    """One whose heart beats each second."""
    scribe.start_anew()
    scribe.tell("A", "1")
    scribe.tell("B", "2")
    with Gunicorn(REDIS_URL=_redis_process.url, HEARTBEAT_SECONDS="1") as worker:
        worker.wait_until_ready()
        yield worker


@pytest.fixture
def document(worker: Gunicorn) -> dict[str, Any]:
    return worker.http.get("/api/asyncapi.json").json()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    for each in part if isinstance(part, list) else []:
        yield from references(each)


def found(document: dict[str, Any], reference: str) -> Any:
    part: Any = document
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def check(document: dict[str, Any], name: str, value: Any) -> None:
    """Whether it is that message, and has no field of which nothing is said."""
    described = document["channels"]["prices"]["messages"][name]["payload"]
    whole = described | {"components": document["components"]}
    Draft202012Validator(whole).validate(value)
    items = value if isinstance(value, list) else [value]
    shape = found(document, (described.get("items") or described)["$ref"])
    for item in items:
        assert set(item) <= set(shape["properties"]), name


class Listening:
    """Hears until every kind of message has come."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.heard: set[str] = set()

    def until(self, ws: ClientConnection, *names: str) -> None:
        while not set(names) <= self.heard:
            self._take(json.loads(ws.recv(timeout=20)))

    def until_the_end(self, ws: ClientConnection) -> int:
        """The code with which it ends."""
        with suppress(ConnectionClosed):
            while True:
                self._take(json.loads(ws.recv(timeout=20)))
        return ws.close_code or 0

    def _take(self, said: Any) -> None:
        name = "updates" if isinstance(said, list) else said.get("event", "update")
        check(self._document, name, said)
        self.heard.add(name)


def test_it_is_asyncapi(document: dict[str, Any]) -> None:
    file = SPECS / f"{document['asyncapi']}.json"
    if not file.exists():
        pytest.skip("npm does not work here, or `make test` was not run")
    Draft7Validator(json.loads(file.read_text())).validate(document)
    for reference in references(document):
        assert found(document, reference)
    for operation in document["operations"].values():
        assert all("/channels/prices/messages/" in each["$ref"] for each in operation["messages"])


def test_every_message_that_is_described_comes_and_no_other(
    worker: Gunicorn, scribe: Scribe, document: dict[str, Any]
) -> None:
    listening = Listening(document)
    with connect(f"{worker.ws_url}?batch=1&fields=candle") as ws:
        listening.until(ws, "status", "updates")
    with connect(f"{worker.ws_url}?fields=ticker&rate=2") as ws:
        ws.send('{"op":"ping","id":"x"}')
        ws.send('{"op":"dance"}')
        listening.until(ws, "update", "pong", "error", "heartbeat")
        scribe.remove("B")
        listening.until(ws, "removed")
        worker.signal(signal.SIGTERM)
        assert listening.until_the_end(ws) == 1012
    described = document["channels"]["prices"]["messages"]
    assert listening.heard == set(described) - {"command"}


#: Each of them with what answers it.
COMMANDS: list[tuple[dict[str, Any], str]] = [
    ({"op": "ping"}, "pong"),
    ({"op": "ping", "id": None}, "pong"),
    ({"op": "ping", "id": "x" * 64}, "pong"),
    ({"op": "ping", "id": -(2**63)}, "pong"),
    ({"op": "ping", "id": 2**63 - 1}, "pong"),
    ({"op": "rate", "rate": 0}, "status"),
    ({"op": "rate", "rate": 0.01}, "status"),
    ({"op": "rate", "rate": 100}, "status"),
    ({"op": "subscribe", "symbols": ["A", "NONE", "币安人生"]}, "status"),
    ({"op": "unsubscribe", "symbols": ["A"]}, "status"),
    ({"op": "unsubscribe"}, "status"),
    ({"op": "subscribe", "symbols": None}, "status"),
]
WRONG: list[dict[str, Any]] = [
    {},
    {"op": "dance"},
    {"op": "ping", "id": 2**63},
    {"op": "ping", "id": "x" * 65},
    {"op": "ping", "id": 1.5},
    {"op": "rate"},
    {"op": "rate", "rate": None},
    {"op": "rate", "rate": 0.001},
    {"op": "rate", "rate": 101},
    {"op": "rate", "rate": "2"},
    {"op": "subscribe", "symbols": []},
    {"op": "subscribe", "symbols": ["A B"]},
    {"op": "subscribe", "symbols": "A"},
]


def test_every_command_that_is_described_is_obeyed_and_no_other(
    worker: Gunicorn, document: dict[str, Any]
) -> None:
    described = document["channels"]["prices"]["messages"]["command"]["payload"]
    judge = Draft202012Validator(described | {"components": document["components"]})
    with connect(f"{worker.ws_url}?symbols=B") as ws:
        wait_until(lambda: "price" in json.loads(ws.recv(timeout=20)), "the first price")
        for command, answer in [*COMMANDS, *((command, "error") for command in WRONG)]:
            assert judge.is_valid(command) is (answer != "error"), command
            ws.send(json.dumps(command))
            said: dict[str, Any] = {}
            while said.get("event") not in ("status", "pong", "error"):
                said = json.loads(ws.recv(timeout=20))
            assert said["event"] == answer, (command, said)
