"""What a client says and does when it comes back, and when it hears nothing: each word is true."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.spoken import Bodies, json_of, open_client, polled_page, say, say_status

#: Milliseconds within which a connection that was cut is made anew.
AT_ONCE = 300


@pytest.fixture
def page(browser: Browser, bodies: Bodies, polls: list[Route]) -> Iterator[Page]:
    with polled_page(browser, bodies, polls) as page:
        yield page


def begin(page: Page, **options: object) -> None:
    """A client that has heard of S0."""
    open_client(page, **options)
    say_status(page, "full")
    say(page, "message", [{"symbol": "S0", "price": "1"}], "e1-7")
    page.clock.run_for(1_000)
    assert told(page)[-1] == "live"


def told(page: Page) -> list[str]:
    return list(json_of(page, "told"))


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def answer(page: Page, route: Route, price: str, resume_id: str) -> None:
    feed = {"state": "live", "simulated": False, "age": 0.1, "source": "", "reason": ""}
    prices = {"S0": price} if price else {}
    route.fulfill(json={"id": resume_id, "mode": "changes", "prices": prices, "feed": feed})


def open_sources(page: Page) -> int:
    return int(page.evaluate("opened().length"))


def test_who_comes_back_believes_nothing_before_something_is_heard(
    page: Page, polls: list[Route]
) -> None:
    begin(page)
    hide(page, True)
    page.clock.run_for(8_000)
    hide(page, False)
    assert told(page)[-1] == "connecting, your connection: checking it"
    page.wait_for_function("() => true")
    assert len(polls) == 1
    assert parse_qs(urlsplit(polls[0].request.url).query)["since"] == ["e1-7"]
    answer(page, polls[0], "2", "e1-20")
    page.wait_for_function("() => price('S0') === '2'")
    assert told(page)[-1] == "live"


def test_who_comes_back_to_a_silent_connection_opens_another_beside_it(page: Page) -> None:
    begin(page)
    page.clock.run_for(8_000)
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.clock.run_for(1_900)
    assert open_sources(page) == 1
    page.clock.run_for(200)
    assert open_sources(page) == 2
    assert "since=e1-7" in page.evaluate("sources.at(-1).url")
    say_status(page, "changes")
    say(page, "message", [{"symbol": "S0", "price": "3"}], "e1-30")
    assert json_of(page, "sources.map(({ readyState }) => readyState)") == [2, 1]
    assert page.evaluate("price('S0')") == "3"
    assert told(page)[-1] == "live"


def test_a_return_to_prices_of_a_moment_ago_changes_nothing(page: Page) -> None:
    begin(page)
    say(page, "message", [{"symbol": "S0", "price": "2"}], "e1-8")
    page.evaluate("dispatchEvent(new Event('focus'))")
    page.clock.run_for(3_000)
    assert set(told(page)) == {"live"}
    assert open_sources(page) == 1


def test_silence_longer_than_a_heartbeat_allows_is_not_live(page: Page) -> None:
    begin(page)
    page.clock.run_for(13_000)
    assert told(page)[-1] == "live"
    page.clock.run_for(2_000)
    assert told(page)[-1] == "stale, your connection: nothing arrives"
    assert open_sources(page) == 2
    say(page, "heartbeat", {"event": "heartbeat", "time": 1, "age": 0.1, "state": "live"})
    assert told(page)[-1] == "live"


def test_a_cut_is_nobodys_business_if_it_is_short(page: Page) -> None:
    begin(page)
    for version in range(8, 12):
        page.clock.run_for(5_000)
        page.evaluate("cut()")
        page.clock.run_for(AT_ONCE)
        assert f"since=e1-{version - 1}" in page.evaluate("sources.at(-1).url")
        page.clock.run_for(1_500)
        say_status(page, "none")
        say(page, "message", [{"symbol": "S0", "price": str(version)}], f"e1-{version}")
    assert set(told(page)) == {"live"}


def test_what_is_lost_is_stale_after_four_seconds_and_down_after_fourteen(page: Page) -> None:
    begin(page)
    page.evaluate("cut()")
    for milliseconds, state in ((3_500, "live"), (9_000, "stale"), (3_000, "down")):
        page.clock.run_for(milliseconds)
        assert told(page)[-1].split(",")[0] == state
    assert told(page)[-1] == "down, your connection: lost, trying again"


def test_a_feed_that_breaks_is_said_to_be_what_its_prices_are(page: Page) -> None:
    begin(page)
    say_status(page, "none", age=0.1, state="down")
    assert told(page)[-1] == "live"
    page.clock.run_for(3_000)
    assert told(page)[-1] == "stale"
    page.clock.run_for(8_000)
    assert told(page)[-1] == "down"


def test_a_page_hidden_for_long_is_paused_and_resumes_where_it_was(page: Page) -> None:
    begin(page)
    hide(page, True)
    page.clock.run_for(29_000)
    assert open_sources(page) > 0
    page.clock.run_for(2_000)
    assert (open_sources(page), told(page)[-1]) == (0, "paused")
    page.clock.run_for(100_000)
    assert (open_sources(page), told(page)[-1]) == (0, "paused")
    hide(page, False)
    assert told(page)[-1] == "connecting, your connection: checking it"
    assert "since=e1-7" in page.evaluate("sources.at(-1).url")


def test_a_hidden_page_may_wish_for_less_instead(page: Page) -> None:
    begin(page, hidden=0.2, rate=4)
    hide(page, True)
    for _ in range(40):
        page.clock.run_for(1_000)
        say_status(page, "none")
    assert "rate=0.2" in page.evaluate("opened().at(-1).url")
    hide(page, False)
    assert "rate=4" in page.evaluate("opened().at(-1).url")
    say_status(page, "none")
    assert "paused" not in told(page)


@pytest.mark.parametrize(
    ("leave", "enter"),
    [
        ("dispatchEvent(new Event('pagehide'))", "dispatchEvent(new Event('pageshow'))"),
        (
            "document.dispatchEvent(new Event('freeze'))",
            "document.dispatchEvent(new Event('resume'))",
        ),
    ],
)
def test_a_page_that_is_put_away_holds_nothing(page: Page, leave: str, enter: str) -> None:
    begin(page)
    page.evaluate(leave)
    assert open_sources(page) == 0
    page.clock.run_for(60_000)
    assert open_sources(page) == 0
    page.evaluate(enter)
    assert "since=e1-7" in page.evaluate("opened()[0].url")


def test_who_saves_data_is_given_less_unless_a_rate_is_asked_for(page: Page) -> None:
    save = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
    page.add_init_script(save)
    open_client(page)
    assert "rate=0.5" in page.evaluate("sources.at(-1).url")
    page.evaluate("import('/static/relay/prices.js').then((m) => new m.Prices({ rate: 5 }))")
    page.wait_for_function("() => opened().some(({ url }) => url.includes('rate=5'))")


def be_busy(page: Page, version: int = 8) -> None:
    for number in range(8):
        say(page, "message", [{"symbol": "S0", "price": "1"}], f"e1-{version + number}")
        page.clock.run_for(500)


def poll_after(page: Page, polls: list[Route], milliseconds: int) -> Route:
    with page.expect_request("**/api/prices?*"):
        page.clock.run_for(milliseconds)
    while not polls:
        page.evaluate("0")
    return polls.pop()


def test_a_busy_stream_that_falls_silent_is_asked_about_and_not_called_live(
    page: Page, polls: list[Route]
) -> None:
    begin(page)
    be_busy(page)
    poll_after(page, polls, 4_000).abort()
    page.wait_for_function("() => opened().length === 2")
    page.clock.run_for(1_000)
    assert told(page)[-1].startswith("stale, your connection")


def test_a_busy_stream_of_which_nothing_was_missed_stays(page: Page, polls: list[Route]) -> None:
    begin(page)
    be_busy(page)
    poll = poll_after(page, polls, 4_000)
    feed = {"state": "live", "simulated": False, "age": 4, "source": "", "reason": ""}
    poll.fulfill(json={"id": "e1-15", "mode": "none", "prices": {}, "feed": feed})
    page.wait_for_function("() => relay.status.age > 3.9")
    page.clock.run_for(4_000)
    assert told(page)[-1] == "live"
    assert open_sources(page) == 1


def test_a_stream_is_as_busy_as_before_once_a_feed_has_come_back(
    page: Page, polls: list[Route]
) -> None:
    begin(page)
    be_busy(page)
    page.clock.run_for(1_000)
    say_status(page, "none", age=5, state="stale")
    page.clock.run_for(12_000)
    say_status(page, "none")
    be_busy(page, 16)
    polls.clear()
    poll_after(page, polls, 4_000).abort()
    page.wait_for_function("() => opened().length === 2")


def test_a_clock_that_is_put_back_makes_no_price_younger(page: Page) -> None:
    begin(page)
    page.evaluate(
        "() => { const now = Date.now; Date.now = () => now() - 3600000; }"  # as a device does
    )
    page.clock.run_for(20_000)
    assert told(page)[-1] != "live"
    assert page.evaluate("relay.status.age") > 15
