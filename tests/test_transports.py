"""EventSource, WebSocket and polls: which of them a client hears, all spoken by the test."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.long import long_after
from tests.spoken import Bodies, json_of, open_client, polled_page, say, say_status

FEED = {"state": "live", "simulated": False, "age": 0.1, "source": "", "reason": ""}
SAY_BY_SOCKET = "([said]) => sockets.at(-1).onmessage({ data: JSON.stringify(said) })"


@pytest.fixture
def page(browser: Browser, bodies: Bodies, polls: list[Route]) -> Iterator[Page]:
    with polled_page(browser, bodies, polls) as page:
        yield page


def say_by_socket(page: Page, said: object) -> None:
    page.evaluate(SAY_BY_SOCKET, [said])


def wait_for_poll(page: Page, polls: list[Route]) -> Route:
    for _ in range(100):
        if polls:
            return polls.pop(0)
        page.evaluate("new Promise((done) => { const c = new MessageChannel();"
                      "c.port1.onmessage = done; c.port2.postMessage(0); })")  # fmt: skip
    raise AssertionError("nobody asked")


def answer(route: Route, resume_id: str, mode: str = "changes", **prices: str) -> None:
    route.fulfill(json={"id": resume_id, "mode": mode, "prices": prices, "feed": FEED})


def state(page: Page) -> str:
    return str(page.evaluate("relay.status.state"))


def refuse_streams(page: Page) -> None:
    page.evaluate("sources.at(-1).readyState = 2; sources.at(-1).onerror()")
    page.evaluate("sockets.at(-1).onclose()")


def test_where_events_are_swallowed_a_websocket_is_heard_after_two_seconds(page: Page) -> None:
    open_client(page)
    page.clock.run_for(1_900)
    assert json_of(page, "sockets.length") == 0
    page.clock.run_for(200)
    assert page.evaluate("sockets[0].url").startswith("ws://relay.example/ws?fields=ticker")
    say_by_socket(page, {"event": "status", "mode": "full", "id": "e1-0", **FEED})
    say_by_socket(
        page, [{"symbol": "S0", "price": "1"}, {"symbol": "S1", "price": "2", "id": "e1-9"}]
    )
    assert page.evaluate("[price('S0'), price('S1')]") == ["1", "2"]
    assert (state(page), page.evaluate("opened().length")) == ("live", 0)
    page.clock.run_for(3_000)
    page.evaluate("sockets[0].onclose()")
    page.clock.run_for(300)
    assert "since=e1-9" in page.evaluate("sockets[1].url")


def test_where_only_polls_get_through_prices_come_within_five_seconds(
    page: Page, polls: list[Route]
) -> None:
    open_client(page)
    page.clock.run_for(4_500)
    answer(wait_for_poll(page, polls), "e1-9", "full", S0="1", S1="2")
    page.wait_for_function("() => price('S1') === '2'")
    assert state(page) == "live"
    page.clock.run_for(1_100)
    following = wait_for_poll(page, polls)
    assert parse_qs(urlsplit(following.request.url).query)["since"] == ["e1-9"]
    answer(following, "e1-11", S0="3")
    page.wait_for_function("() => price('S0') === '3'")


def test_whole_tickers_follow_the_prices_of_a_poll(page: Page, polls: list[Route]) -> None:
    open_client(page)
    say_status(page, "full")
    say(page, "message", [{"symbol": "S0", "price": "1", "open": "5", "received_time": 1}], "e1-7")
    page.clock.run_for(3_000)
    page.evaluate("dispatchEvent(new Event('online'))")
    answer(wait_for_poll(page, polls), "e1-20", S0="2")
    page.wait_for_function("() => price('S0') === '2'")
    assert page.evaluate("relay.tickers.get('S0').open") == "5"
    # What was on its way is older than the poll, but for the update that the poll told of.
    say(
        page,
        "message",
        [{"symbol": "S0", "price": "1.5", "open": "6", "received_time": 2}],
        "e1-12",
    )
    assert page.evaluate("price('S0')") == "2"
    say(page, "message", [{"symbol": "S0", "price": "2", "open": "7", "received_time": 3}], "e1-18")
    assert page.evaluate("relay.tickers.get('S0').open") == "7"
    page.evaluate("cut()")
    page.clock.run_for(300)
    assert "since=e1-18" in page.evaluate("sources.at(-1).url")


def test_a_refusal_is_told_and_not_tried_again(page: Page, polls: list[Route]) -> None:
    open_client(page, symbols=["A/B"])
    refuse_streams(page)
    sentence = "symbols holds 'A/B', which is no symbol"
    wait_for_poll(page, polls).fulfill(status=400, json={"error": sentence})
    page.wait_for_function("() => relay.status.state === 'refused'")
    assert page.evaluate("relay.status.reason") == sentence
    page.clock.run_for(120_000)
    assert page.evaluate("[opened().length, sources.length]") == [0, 1]


def test_a_relay_that_is_full_is_asked_again_when_it_says(page: Page, polls: list[Route]) -> None:
    open_client(page)
    refuse_streams(page)
    wait_for_poll(page, polls).fulfill(
        status=503, json={"error": "no room"}, headers={"Retry-After": "7"}
    )
    page.wait_for_function("() => relay.status.reason !== 'your connection: reaching the relay'")
    assert page.evaluate("relay.status.reason") == "relay: no room"
    page.clock.run_for(6_900)
    assert page.evaluate("sources.length") == 1
    page.clock.run_for(700)
    assert page.evaluate("sources.length") == 2
    say_status(page, "full")
    assert state(page) == "live"


def test_what_delivered_is_remembered_and_the_best_tried_again(page: Page) -> None:
    page.add_init_script(
        "localStorage.setItem('relay transport http://relay.example', `socket ${Date.now()}`)"
    )
    open_client(page)
    assert page.evaluate("[sources.length, sockets.length]") == [0, 1]
    for _ in range(60):
        say_by_socket(page, {"event": "status", "mode": "full", "id": "e1-0", **FEED})
        page.clock.run_for(10_000)
    page.clock.run_for(2_000)
    assert page.evaluate("[opened().length, sockets.length]") == [1, 1]
    say_status(page, "full")
    assert page.evaluate("sockets[0].isClosed")
    assert page.evaluate("localStorage.getItem('relay transport http://relay.example')") is None


@pytest.mark.parametrize(
    "held", long_after(2, ["", "x", "socket", "socket NaN", "poll 99e99", "{}", "events 1"])
)
def test_an_absurd_memory_counts_for_nothing(page: Page, held: str) -> None:
    page.add_init_script(f"localStorage.setItem('relay transport http://relay.example', {held!r})")
    open_client(page)
    assert page.evaluate("[sources.length, sockets.length]") == [1, 0]


def test_nobody_is_hurried_while_nothing_answers(page: Page) -> None:
    open_client(page)
    page.clock.run_for(600_000)
    opened = page.evaluate("sources.length")
    assert 10 < opened < 60
    assert page.evaluate("opened().length + sockets.filter((s) => !s.isClosed).length") <= 2


def test_what_is_no_json_of_ours_ends_nothing(page: Page) -> None:
    open_client(page)
    say_status(page, "full")
    for said in ("{", "null", "7", '"x"', "[]", "[null,7,{}]", '{"event":"removed"}', '{"event":7}',
                 '{"event":"status","mode":"full","id":{},"unknown":7,"age":"x","time":[]}'):  # fmt: skip
        page.evaluate(
            "data => sources.at(-1).dispatchEvent(new MessageEvent('message', { data }))", said
        )
    say_status(page, "full")
    say(page, "message", [{"symbol": "S0", "price": "1"}], "e1-7")
    assert page.evaluate("price('S0')") == "1"
    assert state(page) == "live"


def test_what_answers_but_is_no_relay_is_never_believed(page: Page, polls: list[Route]) -> None:
    open_client(page)
    refuse_streams(page)
    wait_for_poll(page, polls).fulfill(status=200, body="<!doctype html>")
    page.wait_for_function("() => relay.status.reason.includes('is none')")
    assert state(page) == "connecting"
    page.clock.run_for(5_000)
    assert state(page) in ("connecting", "stale")


def test_a_relay_that_is_full_sends_away_until_it_says(page: Page) -> None:
    open_client(page)
    bye = {"event": "bye", "id": "e1-0", "retry": 7000, "reason": "no room (MAX_CLIENTS)"}
    say(page, "bye", bye)
    page.clock.run_for(6_900)
    assert page.evaluate("[sources.length, opened().length, sockets.length]") == [1, 0, 0]
    assert state(page) == "connecting"
    page.clock.run_for(200)
    assert page.evaluate("[sources.length, opened().length]") == [2, 1]
    say_status(page, "full")
    assert state(page) == "live"


def test_what_delivers_goes_on_while_no_other_stream_may_begin(page: Page) -> None:
    page.add_init_script(
        "localStorage.setItem('relay transport http://relay.example', `socket ${Date.now()}`)"
    )
    open_client(page)
    say_by_socket(page, {"event": "status", "mode": "full", "id": "e1-0", **FEED})
    # Silent for so long that an event source is tried beside it.
    page.clock.run_for(18_500)
    assert page.evaluate("opened().length") == 1
    say(page, "bye", {"event": "bye", "id": "e1-0", "retry": 20_000, "reason": "no room"})
    assert page.evaluate("[opened().length, sockets[0].isClosed ?? false]") == [0, False]
    tried = page.evaluate("sources.length + sockets.length")
    page.clock.run_for(19_000)
    assert page.evaluate("sources.length + sockets.length") == tried
    page.clock.run_for(3_000)
    assert page.evaluate("sources.length + sockets.length") > tried


@pytest.mark.parametrize("retry", long_after(2, ["-5", "1e99", "{}", "'x'", "null", "undefined"]))
def test_no_word_of_when_to_come_back_is_believed_for_ever(page: Page, retry: str) -> None:
    open_client(page)
    page.evaluate(
        f"""sources.at(-1).dispatchEvent(new MessageEvent("bye", {{
            data: JSON.stringify({{ event: "bye", retry: {retry}, reason: {{}} }}) }}))"""
    )
    page.clock.run_for(601_000)
    assert page.evaluate("sources.length") > 1


def test_a_poll_that_came_too_often_waits_as_long_as_it_is_told(
    page: Page, polls: list[Route]
) -> None:
    open_client(page)
    refuse_streams(page)
    prices = {"id": "e1-5", "mode": "full", "prices": {"S0": "1"}, "feed": FEED}
    wait_for_poll(page, polls).fulfill(json=prices)
    page.wait_for_function("() => relay.status.state === 'live'")
    page.clock.run_for(1_100)
    refused = wait_for_poll(page, polls)
    with page.expect_response("**/api/prices?*"):
        refused.fulfill(status=429, json={"error": "too fast"}, headers={"Retry-After": "6"})
    page.clock.run_for(5_900)
    assert polls == []
    page.clock.run_for(700)
    wait_for_poll(page, polls)
