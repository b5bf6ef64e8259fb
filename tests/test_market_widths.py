"""The market page at every width: nothing that somebody has to read is cut, and nothing is wider than it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.long import long_after
from tests.market import market_page, open_market, order, ticker
from tests.spoken import Bodies

#: The longest of what there is.
MARKET = [
    ticker("BTCUSDT", "90000.00", "9000000000"),
    ticker("USDTIDR", "17000", "9000000000"),
    ticker("1000SATSUSDT", "0.00000012", open="0.00000011"),
    ticker("1MBABYDOGEFDUSD", "0.00123450", open="0.00100000", status="BREAK"),
    ticker("BTCIDR", "12345678901.00", "1000000", open="12345678900.00"),
    ticker("WAYUPUSDT", "123456789.12345678", open="9876543.21"),
]
WIDTHS = [320, 390, 720, 721, 1023, 1024, 1200, 1201, 1600, 3840]

CUT = """() => {
    const cut = [];
    for (const each of document.querySelectorAll("#market tbody :is(a, td:not([aria-hidden]), small)")) {
        const cell = each.closest("th, td");
        const box = cell.getBoundingClientRect();
        if (!box.width) continue;
        const range = document.createRange();
        range.selectNodeContents(each);
        const { left, right, bottom } = range.getBoundingClientRect();
        if (right === left) continue;
        const row = cell.parentElement.getBoundingClientRect();
        const inside = left >= box.left - 0.5 && right <= box.right + 0.5 && bottom <= row.bottom + 0.5;
        if (!inside) cut.push(`${cell.parentElement.dataset.symbol}: ${each.textContent}`);
    }
    return cut;
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with market_page(browser, Bodies(MARKET)) as page:
        open_market(page, MARKET)
        yield page


@pytest.mark.parametrize("density", ["Cosy", "Dense"])
@pytest.mark.parametrize("width", long_after(4, WIDTHS))
def test_nothing_is_cut(page: Page, width: int, density: str) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.evaluate(
        "async (value) => (await import(document.querySelector('[href*=\"settings.js\"]').href))"
        ".settings.set('density', value)",
        density.lower(),
    )
    assert len(order(page)) == len(MARKET)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT) == []
    row = page.locator("#market tbody tr").first
    height = page.evaluate("document.querySelector('#market tbody').offsetHeight")
    assert height == len(MARKET) * row.evaluate("row => row.offsetHeight")
