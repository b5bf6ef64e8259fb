"""A page that leads others: the test is the others, and speaks on a channel that it has made up."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.channel import WISH, feed, hear, sharing_page
from tests.spoken import Bodies, json_of, open_client, say, say_status

#: Seconds without a true word after which nobody is followed any more.
FORSAKEN = 30


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    with sharing_page(browser, bodies) as page:
        yield page


def lead(page: Page, **options: object) -> None:
    open_client(page, **options)
    page.evaluate("void grant()")


def posted(page: Page, what: str) -> list[Any]:
    return [message for message in json_of(page, "posted") if message[0] == what]


def greet(page: Page, mode: str, **more: object) -> None:
    say(page, "status", feed(page, mode=mode, **more))


def test_who_waits_for_long_before_it_connects_again_says_that_it_is_there(page: Page) -> None:
    later = {"status": 503, "headers": {"Retry-After": "300"}, "json": {"error": "it is full"}}
    page.route("**/api/prices?*", lambda route: route.fulfill(**later))
    lead(page)
    say_status(page, "full")
    page.evaluate("cut()")
    silent = 0
    for _ in range(100):
        page.evaluate("opened().forEach((s) => s.onerror()); sockets.forEach((s) => s.onclose?.())")
        page.evaluate("posted.length = 0")
        page.clock.run_for(1_000)
        silent = 0 if posted(page, "link") else silent + 1
        assert silent < FORSAKEN - 5


def test_a_newcomer_gets_all_prices_though_the_connection_is_being_changed_for_it(
    page: Page,
) -> None:
    lead(page, since="e1-5", held=[{"symbol": "S0"}, {"symbol": "S1"}])
    greet(page, "changes", id="e1-5")
    say(page, "message", [{"symbol": "S0", "price": "9"}], "e1-9")
    page.clock.run_for(1_000)
    # This page's own document holds the price of S1, and nobody else does.
    hear(page, "wish", [WISH | {"fields": "candle"}], "", by="newcomer")
    assert "since" not in page.evaluate("sources.at(-1).url")
    assert "fields=candle" in page.evaluate("sources.at(-1).url")
    greet(page, "full", id="e1-0", up_to="e1-9")
    say(page, "message", [{"symbol": "S1", "price": "1"}, {"symbol": "S0", "price": "9"}], "e1-9")
    page.clock.run_for(1_000)
    assert page.evaluate("opened().length") == 1
    assert [each["symbol"] for each in posted(page, "said")[-1][1]] == ["S1", "S0"]


def test_a_newcomer_forgets_what_was_removed_while_it_was_away(page: Page) -> None:
    lead(page)
    # Amid all that there is, which has no word of what is gone.
    greet(page, "full", id="e1-0", up_to="e1-90")
    say(page, "message", [{"symbol": "S1", "price": "1"}], "e1-20")
    hear(page, "wish", [WISH], "e1-30", by="newcomer")
    [[_, who, given]] = posted(page, "snapshot")
    assert (who, given["said"]["mode"], given["isSettled"]) == ("newcomer", "full", False)
    # All of it has come with the same id for both.
    assert given["said"]["up_to"] == "e1-90"
    say(page, "message", [{"symbol": "S0", "price": "1"}], "e1-90")
    page.clock.run_for(100)
    hear(page, "wish", [WISH], "e1-90", by="another")
    hear(page, "wish", [WISH], "e1-30", by="a third")
    modes = [given["said"]["mode"] for _, _, given in posted(page, "snapshot")]
    assert modes == ["full", "changes", "full"]
