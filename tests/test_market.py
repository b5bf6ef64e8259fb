"""The market page's rows: only those in sight are there, in an order that means something."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.long import long_after
from tests.market import (
    LOOK,
    TOP,
    USE,
    many,
    market_page,
    open_market,
    order,
    pass_time,
    rank_of_focus,
    row,
    scroll,
)
from tests.spoken import Bodies, say, say_status, say_updates

COUNT = 1300
MARKET = many(COUNT)


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies(MARKET)


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    with market_page(browser, bodies) as page:
        yield page


def test_of_many_rows_only_those_in_sight_are_in_the_document(page: Page) -> None:
    open_market(page, MARKET)
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    height = page.evaluate("document.querySelector('#market tbody').offsetHeight")
    each = page.evaluate("document.querySelector('#market tbody tr').offsetHeight")
    assert height == COUNT * each
    expect(page.locator("#market")).to_have_attribute("aria-rowcount", str(COUNT + 1))
    scroll(page, "document.querySelector('#market tbody').offsetHeight / 2")
    assert len(order(page)) < 60
    indices = page.locator("#market tbody tr").evaluate_all(
        "rows => rows.map((r) => r.ariaRowIndex)"
    )
    assert [int(index) for index in indices] == list(range(int(indices[0]), int(indices[-1]) + 1))
    assert abs(int(indices[0]) - COUNT / 2) < 30


def test_a_row_that_comes_into_sight_shows_what_came_while_it_was_not(page: Page) -> None:
    open_market(page, MARKET)
    assert "C1200USDT" not in order(page)
    say_updates(page, "C1200USDT", price="1234567.8")
    pass_time(page, 50)
    page.get_by_label("Search").fill("c1200")
    assert order(page) == ["C1200USDT"]
    price = row(page, "C1200USDT").locator("td").first
    expect(price).to_have_text("1,234,567.8")
    expect(price).to_have_attribute("data-value", "1234567.8")


def test_volumes_are_compared_in_dollars_and_what_has_no_path_stands_last(page: Page) -> None:
    open_market(page, MARKET)
    assert order(page)[: len(TOP)] == TOP
    volume = row(page, "BTCIDR").locator("td").nth(4)
    expect(volume).to_have_text("1.20B")
    scroll(page, "document.documentElement.scrollHeight")
    assert order(page)[-1] == "ABTCXYZ"


def test_symbols_are_written_with_their_quote_apart_and_their_coins_name(page: Page) -> None:
    open_market(page, MARKET)
    head = row(page, "BTCUSDT").get_by_role("rowheader")
    expect(head).to_have_accessible_name("BTC/USDT Bitcoin")
    expect(head.get_by_role("link")).to_have_attribute("href", "/symbols/BTCUSDT")
    expect(row(page, "ABTCXYZ")).to_have_count(0)


def test_rows_have_one_tab_stop_and_the_keyboard_moves_among_them(page: Page) -> None:
    open_market(page, MARKET)
    assert page.locator("#market tbody [tabindex='0']").count() == 1
    page.locator("#market thead button").last.focus()
    page.keyboard.press("Tab")
    assert rank_of_focus(page) == 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert rank_of_focus(page) == 2
    page.keyboard.press("PageDown")
    assert 10 < rank_of_focus(page) < 40
    page.keyboard.press("End")
    assert rank_of_focus(page) == COUNT
    expect(page.locator(":focus")).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    assert rank_of_focus(page) == 1
    expect(page.locator(":focus")).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert rank_of_focus(page) == 1
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/symbols/BTCUSDT$"))


def test_the_focus_stays_with_its_row_in_a_new_order_and_out_of_sight(page: Page) -> None:
    open_market(page, MARKET)
    row(page, "BCHUSDT").get_by_role("link").focus()
    pass_time(page, USE + LOOK)
    say_updates(page, "BCHUSDT", quote_volume="99000000000")
    pass_time(page, LOOK)
    assert order(page)[0] == "BCHUSDT"
    assert rank_of_focus(page) == 1
    scroll(page, "9000")
    order(page)
    assert rank_of_focus(page) == 1
    say(page, "removed", {"event": "removed", "symbols": ["BCHUSDT"]})
    pass_time(page, 100)
    assert rank_of_focus(page) == 1
    assert order(page)[0] == "BTCUSDT"


def overtake(page: Page, symbol: str) -> None:
    """It becomes the most traded one."""
    volume = page.evaluate("globalThis.most = (globalThis.most ?? 1e11) * 2")
    say_updates(page, symbol, quote_volume=str(int(volume)))
    pass_time(page, LOOK)


def test_the_order_rests_while_the_pointer_moves_over_rows_and_says_so(page: Page) -> None:
    open_market(page, MARKET)
    note = page.get_by_text("The order rests while you use it.")
    overtake(page, "BCHUSDT")
    assert order(page)[0] == "BCHUSDT"
    expect(note).to_be_hidden()
    row(page, "ETHBTC").hover()
    overtake(page, "ETHUSDC")
    assert order(page)[0] == "BCHUSDT"
    expect(note).to_be_visible()
    pass_time(page, USE)
    assert order(page)[0] == "ETHUSDC"
    expect(note).to_be_hidden()


def test_the_order_goes_on_at_once_when_told_to(page: Page) -> None:
    open_market(page, MARKET)
    row(page, "ETHBTC").hover()
    overtake(page, "ETHUSDC")
    page.get_by_role("button", name="Sort now").click()
    assert order(page)[0] == "ETHUSDC"
    row(page, "ETHBTC").hover()
    overtake(page, "BCHUSDT")
    assert order(page)[0] == "ETHUSDC"
    page.mouse.move(5, 5)
    assert order(page)[0] == "BCHUSDT"


@pytest.mark.parametrize("use", long_after(1, ["tap", "focus", "selection"]))
def test_the_order_rests_after_other_use_too_and_goes_on(
    browser: Browser, bodies: Bodies, use: str
) -> None:
    with market_page(browser, bodies, has_touch=True) as page:
        open_market(page, MARKET)
        if use == "tap":
            row(page, "ETHBTC").locator("td").first.tap()
        elif use == "focus":
            row(page, "BTCUSDT").get_by_role("link").focus()
        else:
            price = row(page, "ETHBTC").locator("td").first
            price.evaluate("cell => getSelection().selectAllChildren(cell)")
        overtake(page, "ETHUSDC")
        assert order(page)[0] == "BTCUSDT"
        expect(page.locator("#resting")).to_be_visible()
        pass_time(page, USE)
        assert order(page)[0] == "ETHUSDC"
        expect(page.locator("#resting")).to_be_hidden()


def test_the_order_goes_on_in_a_page_that_comes_back_from_the_cache(page: Page) -> None:
    open_market(page, MARKET)
    row(page, "ETHBTC").hover()
    overtake(page, "ETHUSDC")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    assert order(page)[0] == "ETHUSDC"


def test_symbols_that_come_and_go_while_the_order_rests_do_come_and_go(page: Page) -> None:
    open_market(page, MARKET)
    row(page, "ETHBTC").hover()
    say_updates(page, "NEWUSDT", quote_volume="1")
    say(page, "removed", {"event": "removed", "symbols": ["BTCUSDT"]})
    pass_time(page, 200)
    assert order(page)[: len(TOP) - 1] == TOP[1:]
    expect(page.locator("#market")).to_have_attribute("aria-rowcount", str(COUNT + 1))


@pytest.mark.parametrize("rewrite", long_after(1, ["wrap", "replace"]))
def test_prices_move_also_where_somebody_rewrote_the_page(page: Page, rewrite: str) -> None:
    open_market(page, MARKET)
    page.evaluate(
        """(rewrite) => {
            for (const cell of document.querySelectorAll("#market tbody :is(th, td):not(:has(*)), #count")) {
                const wrap = document.createElement("font");
                wrap.textContent = cell.textContent;
                cell.replaceChildren(rewrite === "wrap" ? wrap : wrap.firstChild);
            }
        }""",
        rewrite,
    )
    say_updates(page, "BTCUSDT", price="91234.5")
    pass_time(page, 50)
    expect(row(page, "BTCUSDT").locator("td").first).to_have_text("91,234.5")
    assert page.locator("#market tbody").get_attribute("translate") == "no"


def test_rows_out_of_sight_are_marked_when_they_come_into_sight(page: Page) -> None:
    open_market(page, MARKET)
    say_updates(page, "C1200USDT", status="HALT")
    say_status(page, "none")
    page.get_by_label("Search").fill("c1200")
    pass_time(page, 50)
    mark = row(page, "C1200USDT").locator("small")
    expect(mark).to_have_text("halted")
    expect(mark).to_have_attribute("title", re.compile("HALT$"))
    page.get_by_label("Search").fill("c1201")
    pass_time(page, 50)
    expect(row(page, "C1201USDT").locator("small")).to_have_count(0)
