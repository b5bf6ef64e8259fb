"""The descriptions of the API, held against a running relay: every path, every form, every event."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV32SpecValidator
from websockets.sync.client import connect

from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.web.media import SUFFIXES
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.processes import Gunicorn
from tests.streams import EventSource

#: What a path is asked with, where it needs anything.
QUERIES = {"/api/history": "?symbols=BTCUSDT,ETHUSDT"}
STREAM = "/events"


@pytest.fixture(scope="module")
def relay(quiet_relay: Gunicorn) -> Gunicorn:
    return quiet_relay


@pytest.fixture(scope="module")
def http(relay: Gunicorn) -> dict[str, Any]:
    return relay.http.get("/api/openapi.json").json()


@pytest.fixture(scope="module")
def spoken(relay: Gunicorn) -> dict[str, Any]:
    return relay.http.get("/api/asyncapi.json").json()


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Whether the value has the shape that the document describes."""
    whole = schema | {"components": document["components"]}
    Draft202012Validator(whole).validate(value)


def answers(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every path, every form in which it answers, and what is said of it."""
    for path, item in document["paths"].items():
        if path != STREAM and "get" in item:
            for media, told in item["get"]["responses"]["200"]["content"].items():
                yield path, media, told


def test_it_is_openapi(http: dict[str, Any]) -> None:
    OpenAPIV32SpecValidator(http).validate()


def test_every_answer_is_as_described(relay: Gunicorn, http: dict[str, Any]) -> None:
    suffixes = {media: suffix for suffix, media in SUFFIXES.items()}
    for path, media, told in answers(http):
        real = path.format(symbol="BTCUSDT")
        by_suffix = f"{real}.{suffixes[media]}"
        ways = [(real, media)] + ([(by_suffix, "*/*")] if media != "application/json" else [])
        for way, accept in ways:
            answer = relay.http.get(way + QUERIES.get(path, ""), headers={"Accept": accept})
            assert answer.status_code == 200, way
            assert answer.headers["Content-Type"].partition(";")[0] == media, way
            if media == "application/json":
                check(http, told["schema"], answer.json())
            elif "itemSchema" in told:
                lines = answer.text.splitlines()
                assert lines or path.startswith("/api/history/"), way
                for line in lines:
                    check(http, told["itemSchema"], json.loads(line))


def test_every_limit_that_is_told_is_kept(relay: Gunicorn, http: dict[str, Any]) -> None:
    for path, item in http["paths"].items():
        real = path.format(symbol="BTCUSDT")
        for parameter in item.get("get", {}).get("parameters", []):
            schema = parameter["schema"]
            wrong = [schema["maximum"] + 1] if "maximum" in schema else []
            wrong += ["nonsense"] if "enum" in schema or "maximum" in schema else []
            wrong += [",".join(["A"] * (schema["maxItems"] + 1))] if "maxItems" in schema else []
            for value in wrong:
                query = {"since": "0-1", "symbols": "A", parameter["name"]: str(value)}
                answer = relay.http.get(real, params=query)
                assert answer.status_code == 400, (path, parameter["name"], value)
                check(http, {"$ref": "#/components/schemas/Problem"}, answer.json())


def test_every_route_of_the_api_is_described(http: dict[str, Any]) -> None:
    site = create_site(Hub(Health()), Config(_env_file=None), nothing_past())
    rules = {re.sub(r"<\w+>", "{symbol}", rule.rule) for rule in site.url_map.iter_rules()}
    wanted = {rule for rule in rules if rule.startswith("/api/") and "{symbol}" not in rule}
    apart = {"/api/openapi.json", "/api/asyncapi.json"}
    assert wanted - apart <= set(http["paths"])
    assert set(http["paths"]) <= rules


def test_every_event_of_a_stream_is_as_described(relay: Gunicorn, http: dict[str, Any]) -> None:
    content = http["paths"][STREAM]["get"]["responses"]["200"]["content"]
    item = content["text/event-stream"]["itemSchema"]
    kinds = {
        kind["properties"]["event"].get("const") if kind["properties"]["event"] else None: kind
        for kind in item["anyOf"]
        if "data" in kind["required"]
    }
    for query in ("", "batch=1", "fields=ticker", "fields=candle&symbols=BTCUSDT,NONE"):
        with EventSource(relay.port, query) as stream:
            stream.wait_for_price("BTCUSDT")
            for event in stream.events:
                described = kinds[event["event"]]["properties"]["data"]["contentSchema"]
                check(http, described, event)
            for update in stream.updates:
                check(http, kinds[None]["properties"]["data"]["contentSchema"], update)


def test_every_message_of_a_websocket_is_as_described(
    relay: Gunicorn, spoken: dict[str, Any]
) -> None:
    messages = spoken["channels"]["prices"]["messages"]
    assert spoken["servers"]["relay"] == {"host": f"127.0.0.1:{relay.port}", "protocol": "ws"}
    commands: list[dict[str, Any]] = [
        {"op": "ping", "id": 7},
        {"op": "rate", "rate": 2},
        {"op": "subscribe", "symbols": ["ETHUSDT"]},
        {"op": "nothing"},
    ]
    heard = set()
    with connect(f"{relay.ws_url}?symbols=BTCUSDT") as ws:
        for command in commands:
            ws.send(json.dumps(command))
        while not {"update", "status", "pong", "error"} <= heard:
            said = json.loads(ws.recv(timeout=20))
            name = said.get("event", "update")
            check(spoken, messages[name]["payload"], said)
            heard.add(name)
    for command in commands[:3]:
        check(spoken, messages["command"]["payload"], command)


def test_a_person_can_read_it(relay: Gunicorn, http: dict[str, Any]) -> None:
    answer = relay.http.get("/api", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for path, item in http["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in answer.text
        for parameter in item.get("get", {}).get("parameters", []):
            assert parameter["description"] in answer.text
