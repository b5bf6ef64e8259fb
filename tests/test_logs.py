"""Logs: plain lines or JSON, request ids, and how long a stream was and what it brought."""

import io
import json
import logging
import re

import httpx
import pytest

from relay.json_lines import JsonLines
from relay.plain_lines import PlainLines
from relay.redaction import RedactingFormatter, keep
from relay.request_id import begin, request_id
from tests.processes import Gunicorn
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

HOSTILE = 'a\x1b[31m"red\r\nforged\x00\u202e\ud800'
OURS = r"[0-9a-f]{12}-[0-9a-f]+"


def written(formatter: logging.Formatter, *said: object, fails: bool = False) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log = logging.Logger("relay.x")
    log.addHandler(handler)
    try:
        if fails:
            raise ValueError(said[1])
        log.warning(*said)
    except ValueError:
        log.exception(*said)
    return stream.getvalue()


def test_a_json_line_is_one_object_whatever_is_in_it() -> None:
    line = written(JsonLines(), "heard %s", HOSTILE, fails=True)
    assert line.count("\n") == 1
    assert line.isascii() or line.strip().isprintable() or "\\u" in line
    said = json.loads(line)
    assert (said["level"], said["logger"]) == ("error", "relay.x")
    assert said["message"].startswith('heard a\x1b[31m"red\r\nforged')
    assert said["exception"].startswith("Traceback")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", said["time"])


@pytest.mark.parametrize("formatter", [JsonLines(), RedactingFormatter(PlainLines())])
def test_no_kind_of_line_holds_a_secret(formatter: logging.Formatter) -> None:
    keep(['pla"nted', "plain-planted"])
    for secret in ('pla"nted', "plain-planted"):
        line = written(formatter, "heard %s", secret, fails=True)
        assert secret not in line
        assert json.dumps(secret)[1:-1] not in line


def test_a_request_keeps_a_well_formed_id_and_gets_one_else() -> None:
    assert request_id("0af7651916cd43dd-8448eb2/11+c=") == "0af7651916cd43dd-8448eb2/11+c="
    made = {
        request_id(asked) for asked in ("", "x" * 65, "a b", "a\nb", "<x>", "ä", "\x9b", "a,b", '"')
    }
    assert len(made) == 9
    assert all(re.fullmatch(OURS, one) for one in made)


def test_lines_within_a_request_name_it() -> None:
    begin("the-id")
    try:
        assert written(PlainLines(), "heard").endswith("heard [the-id]\n")
        assert json.loads(written(JsonLines(), "heard"))["request_id"] == "the-id"
    finally:
        begin("")
    assert written(PlainLines(), "heard").endswith("heard\n")


def test_every_answer_says_which_request_it_answers(quiet_relay: Gunicorn) -> None:
    http = quiet_relay.http
    for path in ("/livez", "/nothing", "/events?symbols=", "/static/relay.js"):
        with http.stream("GET", path, headers={"X-Request-Id": "mine-1"}) as answer:
            assert answer.headers["x-request-id"] == "mine-1", path
    ids = [
        http.get("/livez", headers=headers).headers["x-request-id"]
        for headers in ({}, {"X-Request-Id": "a b"})
    ]
    assert all(re.fullmatch(OURS, one) for one in ids)
    assert ids[0] != ids[1]


def test_a_json_log_has_no_other_lines_and_tells_of_requests_and_streams(
    exchange: ScriptedExchange,
) -> None:
    options = ("--access-logfile", "-")
    with Gunicorn(BINANCE_WS=exchange.url, LOG_FORMAT="json", options=options) as relay:
        exchange.tick(BTCUSDT="1")
        relay.wait_until_ready()
        httpx.get(f"{relay.url}/livez?a=b", headers={"X-Request-Id": "mine-2"})
        stream = EventSource(relay.port, X_Request_Id="mine-3")
        stream.wait_for_price("BTCUSDT", "1")
        exchange.tick(BTCUSDT="2")
        stream.wait_for_price("BTCUSDT", "2")
        stream.close()
        relay.wait_for_line(
            r"a stream ended: sse plain, \d+\.\d{3} s, [1-9][\d,]* updates? \[mine-3\]"
        )
        relay.wait_for_line("mine-2")
        lines = [json.loads(line) for line in relay.output]
    asked = next(line for line in lines if line.get("request_id") == "mine-2")
    assert asked["logger"] == "gunicorn.access"
    assert (asked["method"], asked["path"], asked["query"], asked["status"]) == (
        "GET",
        "/livez",
        "a=b",
        200,
    )
    assert {"relay.exchange.feed", "gunicorn.error"} <= {line["logger"] for line in lines}
