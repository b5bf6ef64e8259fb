"""A page that follows another: the test is the leader, and speaks on a channel that it has made up."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.channel import ME, WISH, brief, feed, follow, hear, sharing_page, snapshot, update
from tests.spoken import Bodies, json_of, say, say_status


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    with sharing_page(browser, bodies) as page:
        yield page


def test_what_a_new_leader_says_before_its_snapshot_is_no_state_to_resume_from(page: Page) -> None:
    follow(page)
    hear(page, "here", True, by="other")
    update(page, 20, "S0", by="other")
    hear(page, "wished", WISH | {"rate": 2}, False, by="other")
    # The leader dies before it could say what this page lacks: S1 may have changed since the version 7.
    page.evaluate("void grant()")
    assert "since=e1-7" in page.evaluate("sources.at(-1).url")
    say_status(page, "changes")
    say(page, "message", [{"symbol": "S1", "price": "9"}], "e1-20")
    assert json_of(page, "price('S1')") == "9"


def test_a_snapshot_has_all_that_was_said_before_it(page: Page) -> None:
    follow(page)
    hear(page, "here", True, by="other")
    update(page, 20, "S0", by="other")
    assert json_of(page, "posted.findLast(([what]) => what === 'wish')[2]") == "e1-7"
    tickers = [{"symbol": symbol, "price": "20"} for symbol in ("S0", "S1")]
    said = feed(page, mode="changes", id="e1-20")
    more = {"said": said, "tickers": tickers, "versions": [["S0", 20], ["S1", 15]], "id": "e1-20"}
    whole = snapshot(page, 20, **more)
    hear(page, "snapshot", ME, whole, by="other")
    assert json_of(page, "[price('S0'), price('S1')]") == ["20", "20"]
    update(page, 21, "S0", by="other")
    assert json_of(page, "price('S0')") == "21"
    page.evaluate("void grant()")
    assert "since=e1-21" in page.evaluate("sources.at(-1).url")


def test_whoever_says_to_lead_and_says_no_more_is_not_followed_for_long(page: Page) -> None:
    follow(page)
    for second in range(20):
        hear(page, "here", True, by=f"stranger {second % 2}")
        update(page, 8, "S0")
        page.clock.run_for(1_000)
    assert json_of(page, "[relay.status.state, sources.length]") == ["stale", 0]
    for second in range(12):
        if page.evaluate("channel !== null"):
            hear(page, "here", True, by=f"stranger {second % 2}")
        page.clock.run_for(1_000)
    assert json_of(page, "sources.length") == 1
    assert "since=e1-7" in page.evaluate("sources[0].url")
    say_status(page, "changes")
    say(page, "message", [{"symbol": "S0", "price": "9"}], "e1-20")
    assert json_of(page, "[price('S0'), relay.status.state]") == ["9", "live"]


def test_a_leader_that_says_its_connection_is_lost_is_followed_on(page: Page) -> None:
    follow(page)
    for _ in range(40):
        hear(page, "link", page.evaluate("Date.now()") - 20_000, "", [])
        page.clock.run_for(1_000)
    assert json_of(page, "[relay.status.state, sources.length]") == ["down", 0]
    hear(page, "said", feed(page, mode="none", id="e1-7"), "", False)
    update(page, 8, "S0")
    assert json_of(page, "[price('S0'), relay.status.state]") == ["8", "live"]


def test_nothing_is_gone_because_the_leader_lost_its_connection_amid_all_of_it(page: Page) -> None:
    follow(page)
    page.evaluate("globalThis.gone = []; relay.onremoved = (symbols) => gone.push(...symbols); 0")
    full = feed(page, mode="full", id="e1-0", up_to="e1-90")
    hear(page, "said", full, "", False)
    update(page, 20, "S0")
    for _ in range(4):
        hear(page, "link", page.evaluate("Date.now()"), "", [])
        page.clock.run_for(10_000)
    assert json_of(page, "[gone, price('S1')]") == [[], "7"]
    hear(page, "said", feed(page, mode="changes", id="e1-20"), "", False)
    update(page, 90, "S2")
    page.clock.run_for(1_000)
    assert json_of(page, "[gone, price('S1')]") == [["S1"], None]


def test_who_sleeps_long_asks_its_leader_before_it_connects_itself(page: Page) -> None:
    follow(page)
    page.clock.set_system_time(page.evaluate("Date.now()") / 1000 + 3_600)
    page.clock.run_for(3_000)
    assert json_of(page, "[relay.status.state, sources.length]") != ["live", 0]
    assert page.evaluate("sources.length") == 0


HOLLOW = [None, 7, "x", [], {}, {"symbols": 7}, [None], [[7, {}]], {"price": 7}]
#: What every part of a message may be instead of what it should be.
NAMES = ["said", "wished", "snapshot", "link", "wish", "here"]


def test_no_message_of_another_page_makes_this_one_throw_or_lie(page: Page) -> None:
    follow(page)
    for hollow in HOLLOW:
        for what in NAMES:
            hear(page, what, hollow)
            hear(page, what, hollow, hollow, hollow)
        for part in snapshot(page, 9):
            hear(page, "snapshot", ME, snapshot(page, 9) | {part: hollow})
        for part in feed(page, mode="full", id="e1-9"):
            hear(page, "said", feed(page) | {part: hollow}, "", False)
        hear(page, "wished", WISH | {"symbols": hollow}, False)
        hear(page, "link", hollow, hollow, [["x", hollow]])
        # Whatever is told can be read.
        page.clock.run_for(1_000)
        page.evaluate(
            "relay.status.reason.slice(1) + relay.status.state.slice(1) + relay.status.source.slice(1)"
        )
        page.evaluate("relay.unknown.map((symbol) => symbol.slice(1))")
        page.evaluate("[...relay.tickers.values()].map(({ price }) => price.slice(1))")
    hear(page, "here", True)
    brief(page, 30)
    assert json_of(page, "[price('S0'), relay.status.state]") == ["30", "live"]


def test_another_page_cannot_make_this_one_hold_ever_more(page: Page) -> None:
    follow(page)
    flood = """(symbols) => {
        for (let part = 0; part < 70; part += 1) {
            const names = Array.from({ length: 1_000 }, (_, number) => `X${part * 1_000 + number}`);
            hear(["leader", "said", names.map((symbol) => ({ symbol, price: "1" })), "e1-9", false]);
            const gone = names.map((name) => `Y${name}`);
            hear(["leader", "said", { event: "removed", symbols: gone }, "e1-9", false]);
        }
    }"""
    page.evaluate(flood)
    assert page.evaluate("relay.tickers.size") == 50_000
