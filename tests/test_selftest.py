"""The self-test: what it says of a way that holds nothing back, and of real proxies that do."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import connect

from relay.web.stamps import MAX_TESTS
from tests.browser import WAIT
from tests.nginx import Nginx
from tests.node import evaluate
from tests.processes import Gunicorn

#: Holds back until a buffer is full, whatever the relay says; but not what comes in chunks of HTTP/1.1.
HOLDS = "proxy_ignore_headers X-Accel-Buffering;"


@pytest.fixture(scope="module")
def url(quiet_relay: Gunicorn) -> str:
    return quiet_relay.url


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proxies")


@pytest.fixture
def tested(browser: Browser) -> Iterator[Page]:
    """A page to open the self-test of any relay in."""
    context = browser.new_context()
    context.set_default_timeout(WAIT)
    yield context.new_page()
    context.close()


def run(page: Page, port: int) -> None:
    page.goto(f"http://127.0.0.1:{port}/selftest")
    expect(page.locator("#selftest")).to_have_attribute(
        "data-state", re.compile("fine|troubled|failed"), timeout=WAIT
    )


def said(page: Page, part: str) -> str:
    return page.locator(f"[data-part={part}]").inner_text()


def likely(page: Page) -> list[str]:
    found: list[str] = page.locator("[data-likely]").evaluate_all(
        "all => all.filter((one) => one.open).map((one) => one.dataset.proxy)"
    )
    return found


def test_a_way_that_holds_nothing_back_is_fine(page: Page, quiet_relay: Gunicorn) -> None:
    run(page, quiet_relay.port)
    assert said(page, "verdict") == "Nothing on the way holds events back."
    assert "pass at once" in said(page, "events")
    assert "pass at once" in said(page, "socket")
    assert "would use Server-Sent Events" in said(page, "choice")
    assert said(page, "browser") == "HTTP/1.1"
    assert "compressed" in said(page, "compression")
    assert likely(page) == []


def test_an_nginx_that_buffers_is_found_out(
    tested: Page, quiet_relay: Gunicorn, home: Path
) -> None:
    with Nginx(home, quiet_relay.port, HOLDS) as nginx:
        run(tested, nginx.port)
    assert "disturbs Server-Sent Events" in said(tested, "verdict")
    assert re.search(
        r"held back: all 5 events came together at the end, the first \d\.\d s late",
        said(tested, "events"),
    )
    assert "pass at once" in said(tested, "socket")
    assert "would use WebSocket: for 5.0 s nothing comes" in said(tested, "choice")
    assert likely(tested) == ["nginx"]
    expect(tested.get_by_text("proxy_buffering off;").first).to_be_visible()


def test_the_outer_one_of_two_nginx_is_found_out(
    tested: Page, quiet_relay: Gunicorn, home: Path
) -> None:
    """The inner one obeys the relay, and takes the header away that the outer one would obey."""
    with (
        Nginx(home, quiet_relay.port) as inner,
        Nginx(home, inner.port) as outer,
    ):
        run(tested, outer.port)
        assert "held back" in said(tested, "events")
        assert "was taken by an nginx" in said(tested, "buffering")
        expect(tested.get_by_text("Of two nginx in a row")).to_be_visible()
        run(tested, inner.port)
        assert "pass at once" in said(tested, "events")


def test_an_nginx_that_refuses_websockets_is_found_out(
    tested: Page, quiet_relay: Gunicorn, home: Path
) -> None:
    with Nginx(home, quiet_relay.port, sockets="") as nginx:
        run(tested, nginx.port)
    assert "Events pass, but something on the way disturbs WebSockets" in said(tested, "verdict")
    assert "are refused" in said(tested, "socket")
    assert said(tested, "relay") == "HTTP/1.0, by which no WebSocket passes"
    expect(tested.get_by_text("proxy_set_header Upgrade").first).to_be_visible()


def test_a_relay_that_is_away_is_said_to_be(tested: Page, quiet_relay: Gunicorn) -> None:
    tested.route("**/selftest/hop", lambda route: route.abort())
    run(tested, quiet_relay.port)
    assert "does not answer" in said(tested, "verdict")


def test_a_script_that_does_not_run_leaves_words_that_say_so(
    tested: Page, quiet_relay: Gunicorn
) -> None:
    tested.route("**/*selftest.js", lambda route: route.abort())
    tested.goto(f"{quiet_relay.url}/selftest")
    assert "script was not loaded" in said(tested, "verdict")
    assert "not measured yet" in said(tested, "events")


def test_both_streams_end_by_themselves(quiet_relay: Gunicorn) -> None:
    answer = quiet_relay.http.get("/selftest/events")
    stamps = [json.loads(text) for text in re.findall(r"^data: (.*)$", answer.text, re.MULTILINE)]
    assert [stamp.get("number") for stamp in stamps] == [1, 2, 3, 4, 5, None]
    assert answer.headers["X-Accel-Buffering"] == "no"
    with connect(f"ws://127.0.0.1:{quiet_relay.port}/selftest/ws") as stream:
        assert [json.loads(message)["number"] for message in stream] == [1, 2, 3, 4, 5]
        assert stream.close_code == 1000


def test_too_many_tests_at_a_time_are_refused(quiet_relay: Gunicorn) -> None:
    """Those that run end as they would have, also those whose client has gone."""
    request = b"GET /selftest/events?pace=long HTTP/1.1\r\nHost: x\r\n\r\n"
    places = [socket.create_connection(("127.0.0.1", quiet_relay.port)) for _ in range(MAX_TESTS)]
    for place in places:
        place.sendall(request)
        place.recv(4096)
    refused = quiet_relay.http.get("/selftest/events")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "too many self-tests" in refused.json()["error"]
    assert quiet_relay.http.get("/selftest/events?pace=slow").status_code == 400
    for place in places:
        place.close()


JUDGE = """
import { choose, judge, say } from "./selftest/verdict.js";
answer = given.map((stream) => {
  const judged = judge(stream, { ahead: 0, roundTrip: 20 });
  const other = { kind: "passes", lumps: 5 };
  return { ...judged, said: say("They", judged, stream), chosen: choose(judged, other).name };
});
"""


def stream(delays: list[int], end: str = "whole", of: int = 5) -> dict[str, object]:
    """A stream of an event every 400 ms, each late by so many milliseconds."""
    arrivals = [
        {"number": n + 1, "of": of, "sent": 400 * n, "came": 400 * n + delay}
        for n, delay in enumerate(delays)
    ]
    return {"arrivals": arrivals, "end": end, "status": 200, "sentence": ""}


def test_verdicts_are_in_plain_words() -> None:
    cases = [
        stream([12, 10, 30, 11, 10]),
        stream([1610, 1210, 810, 410, 10]),
        stream([410, 10, 410, 10, 10]),
        stream([10, 10], end="cut"),
        stream([], end="silent"),
        stream([], end="refused") | {"status": 403},
    ]
    judged = evaluate(JUDGE, cases)
    assert [case["kind"] for case in judged] == [
        *("passes", "held", "held", "cut", "nothing", "refused")
    ]
    assert [case["held"] for case in judged[:3]] == [20, 1600, 400]
    assert "all 5 events came together at the end, the first 1.6 s late" in judged[1]["said"]
    assert "by up to 0.4 s: 5 events came in 3 lumps" in judged[2]["said"]
    assert "cut: after 0.4 s and 2 of 5 events" in judged[3]["said"]
    assert "with status 403" in judged[5]["said"]
    assert [case["chosen"] for case in judged] == [
        *("Server-Sent Events", "WebSocket", "Server-Sent Events"),
        *("Server-Sent Events", "WebSocket", "WebSocket"),
    ]
