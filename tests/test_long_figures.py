"""Figures and names as long as may be: no page is wider than its window, and no digit is lost unsaid."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from relay.ticker import Ticker
from tests.browser import WAIT
from tests.long import long_after
from tests.spoken import READ, Bodies, open_browser_page, say_status

TINY, HUGE = "0.000000000000000001", "12345678901234567890.123456789012345678"
DAY: dict[str, Any] = {
    "open": TINY,
    "high": HUGE,
    "low": TINY,
    "volume": "1" + "0" * 19,
    "quote_volume": HUGE,
}
LONG = "W" * 28
TICKERS = [
    Ticker("TINYUSDT", TINY, "trade", READ, READ, **DAY),
    Ticker(f"{LONG}USDT", HUGE, "trade", READ, READ, **DAY),
]
PATHS = ["/symbols/TINYUSDT", f"/symbols/{LONG}{LONG}", "/", "/?all"]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    wrong: list[str] = []
    page = open_browser_page(browser, Bodies(TICKERS), wrong)
    page.set_default_timeout(WAIT)
    yield page
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize("path", long_after(1, PATHS))
def test_no_page_is_wider_than_its_window(page: Page, path: str) -> None:
    page.goto(path)
    for width in (320, 640, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


#: Figures that are not whole, without an ellipsis to say that they go on.
CUT = """() => [...document.querySelectorAll("#market tbody td, .price > *")]
    .filter((each) => each.scrollWidth > each.clientWidth && each.clientWidth)
    .filter((each) => {
        const style = getComputedStyle(each);
        return style.overflowX !== "visible" && style.textOverflow !== "ellipsis";
    })
    .map((each) => each.textContent)"""


@pytest.mark.parametrize("path", long_after(1, ["/", "/?all", "/symbols/TINYUSDT"]))
def test_what_is_cut_says_so(page: Page, path: str) -> None:
    for width in (320, 640, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        page.goto(path)
        assert page.evaluate(CUT) == []


def test_the_whole_table_has_all_digits_of_all_prices(page: Page) -> None:
    page.goto("/?all")
    for width in (320, 640, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        cells = page.locator("tbody td:is(:nth-child(2), :nth-child(4), :nth-child(5))")
        assert (
            cells.evaluate_all(
                "all => all.filter((one) => one.scrollWidth > one.clientWidth).length"
            )
            == 0
        )


def test_a_tile_of_the_wall_says_where_its_change_goes_on(page: Page) -> None:
    """A part of a figure must not look like another one."""
    page.set_viewport_size({"width": 1280, "height": 700})
    page.goto("/?wall")
    say_status(page, "none")
    page.evaluate(
        """(symbols) => say(["message", symbols.map(([symbol, price]) => ({
            symbol, price, open: "0.000000000000000001", stream: "trade", received_time: Date.now()
        })), "e1-7"])""",
        [[each.symbol, each.price] for each in TICKERS],
    )
    change = page.locator("#tiles [data-sign]", has_text="%").last
    change.wait_for()
    inside = "(one) => one.getBoundingClientRect().right <= one.closest('li').getBoundingClientRect().right"
    assert change.evaluate(inside)
    assert change.evaluate("(one) => getComputedStyle(one).textOverflow") == "ellipsis"
