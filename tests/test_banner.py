"""What the banner and the title say of the prices: each word is true at each moment."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.long import long_after
from tests.spoken import Bodies, open_browser_page, say_status, say_updates, show_status


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    wrong: list[str] = []
    page = open_browser_page(browser, Bodies(), wrong)
    page.set_default_timeout(WAIT)
    yield page
    page.context.close()
    assert wrong == []


def show(page: Page, **status: object) -> None:
    page.goto("/symbols/S0")
    show_status(page, **status)


def test_a_page_is_as_of_when_it_was_rendered_until_the_stream_speaks(page: Page) -> None:
    page.goto("/symbols/S0")
    state = page.locator("#state")
    expect(state).to_have_text("as of")
    expect(page.get_by_role("link", name="Reload")).to_be_visible()
    page.clock.run_for(2_000)
    expect(state).to_have_text("as of")
    say_status(page, "none")
    expect(state).to_have_text("live")
    expect(page.get_by_role("link", name="Reload")).to_be_hidden()


@pytest.mark.parametrize(
    ("state", "simulated", "title"),
    long_after(
        2,
        [
            ("live", False, "S0 · Relay"),
            ("stale", False, "STALE · S0 · Relay"),
            ("down", True, "DOWN · SIMULATED · S0 · Relay"),
            ("simulated", True, "SIMULATED · S0 · Relay"),
            ("paused", False, "Paused · S0 · Relay"),
            ("refused", False, "REFUSED · S0 · Relay"),
        ],
    ),
)
def test_the_title_begins_with_what_is_wrong(
    page: Page, state: str, simulated: bool, title: str
) -> None:
    show(page, state=state, simulated=simulated)
    expect(page).to_have_title(title)
    expect(page.locator("#state")).to_have_text(state)
    expect(page.locator("html")).to_have_attribute("data-state", state)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("exchange: no data for 5 s", "exchange: no data"),
        ("listener: no word from it for 3 s", "inside the relay, its listener: no word from it"),
        ("redis: Redis cannot be reached", "inside the relay: Redis cannot be reached"),
        ("your connection: lost, trying again", "your connection: lost, trying again"),
    ],
)
def test_the_hop_to_blame_is_named_in_words_for_everybody(
    page: Page, reason: str, said: str
) -> None:
    show(page, state="stale", reason=reason)
    expect(page.locator("#reason")).to_have_text(said)


def test_no_price_is_said_only_where_none_is_known(page: Page) -> None:
    show(page, state="down", age=None)
    expect(page.locator("#age")).to_have_text("newest price of unknown age")
    show(page, state="refused", age=None, reason="symbols: 600 are too many")
    expect(page.locator("#age")).to_have_text("")


def test_an_age_is_marked_before_the_feed_is_called_stale(page: Page) -> None:
    show(page, state="live", age=1.2)
    expect(page.locator("#age")).not_to_have_attribute("data-late", re.compile(""))
    show(page, state="live", age=2.6)
    expect(page.locator("#age")).to_have_attribute("data-late", "")


def test_the_title_of_a_symbol_begins_with_its_price(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    say_updates(page, "S0", price="1234.50")
    expect(page).to_have_title("1,234.5 S0 · Relay")
