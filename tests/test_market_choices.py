"""What somebody chooses on the market page: it is found, kept, shared, and comes back."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.long import long, long_after
from tests.market import (
    KNOWN,
    LOOK,
    TOP,
    market_page,
    open_market,
    order,
    pass_time,
    row,
    say_all,
    scroll,
    ticker,
)
from tests.spoken import READ, Bodies, say_updates

DAY = 86_400_000
MARKET = [
    *KNOWN,
    ticker("UPUSDT", "2.50", open="2.00"),
    ticker("RISENBTC", "0.00000003", open="0.00000001"),
    ticker("TICKBTC", "0.00000002", open="0.00000001"),
    ticker("DOWNUSDT", "2.00", open="2.50"),
    ticker("TOCKBTC", "0.00000001", open="0.00000002"),
    ticker("HELDUSDT", "3.00", open="1.00", status="BREAK"),
    ticker("FRESHUSDT", "1.00", listed=READ - DAY),
    ticker("NEWERUSDT", "1.00", listed=READ - DAY // 2),
]
#: Milliseconds after which an address says what was chosen.
ADDRESS = 450


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies(MARKET)


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    with market_page(browser, bodies) as page:
        yield page


def choose(page: Page, label: str) -> None:
    page.locator(".tabs label").filter(has_text=re.compile(rf"^{label}\b")).click()
    pass_time(page, 50)


def seek(page: Page, text: str) -> list[str]:
    page.get_by_label("Search").fill(text)
    return order(page)


def address(page: Page) -> str:
    pass_time(page, ADDRESS)
    return str(page.evaluate("location.search"))


@pytest.mark.parametrize("text", long_after(1, ["btc", "BTC", " btc "]))
def test_the_base_itself_is_found_before_what_contains_it(page: Page, text: str) -> None:
    open_market(page, MARKET)
    found = seek(page, text)
    assert found[:4] == ["BTCUSDT", "BTCEUR", "BTCJPY", "BTCIDR"]
    assert set(found[4:]) == {"ETHBTC", "WBTCUSDT", "ABTCXYZ", "RISENBTC", "TICKBTC", "TOCKBTC"}
    expect(page.locator("#count")).to_have_text(f"10 of {len(MARKET)}")


@pytest.mark.parametrize(
    "text", long_after(1, ["btc/usdt", "btc usdt", "BTC-USDT", "btcusdt", "btc/usd", "BTC USDT"])
)
def test_a_pair_is_found_however_it_is_written(page: Page, text: str) -> None:
    open_market(page, MARKET)
    assert seek(page, text)[0] == "BTCUSDT"
    assert "BTCEUR" not in order(page)


def test_coins_are_found_by_their_name_and_by_any_alphabet(page: Page) -> None:
    open_market(page, MARKET)
    assert seek(page, "bitcoin")[:4] == ["BTCUSDT", "BTCEUR", "BTCJPY", "BTCIDR"]
    assert seek(page, "bitcoin c") == ["BCHUSDT"]
    assert seek(page, "币安") == ["币安人生USDT"]
    assert seek(page, "ethereum") == ["ETHBTC", "ETHUSDC"]


def test_a_search_without_result_says_what_was_sought_and_can_be_cleared(page: Page) -> None:
    open_market(page, MARKET)
    assert seek(page, "<b>nothing") == []
    expect(page.locator("#empty")).to_contain_text("“<b>nothing”")
    page.get_by_role("button", name="Clear the search").click()
    assert order(page)[: len(TOP)] == TOP
    expect(page.locator("#empty")).to_be_hidden()


def test_a_slash_goes_to_the_search_and_escape_clears_it(page: Page) -> None:
    open_market(page, MARKET)
    page.keyboard.press("/")
    page.keyboard.insert_text("eth")
    assert order(page) == ["ETHBTC", "ETHUSDC"]
    page.keyboard.press("ArrowDown")
    expect(row(page, "ETHBTC").get_by_role("link")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    assert order(page)[: len(TOP)] == TOP
    expect(page.get_by_label("Search")).to_have_value("")


def test_gainers_and_losers_leave_out_one_tick_and_what_is_not_traded(page: Page) -> None:
    open_market(page, [*MARKET[len(KNOWN) :], ticker("BTCUSDT", "90000.00", open="89000.00")])
    choose(page, "Gainers")
    gainers = [each for each in order(page) if each not in ("FRESHUSDT", "NEWERUSDT")]
    assert gainers == ["RISENBTC", "UPUSDT", "BTCUSDT"]
    choose(page, "Losers")
    assert order(page) == ["DOWNUSDT"]


def test_new_symbols_have_a_view_the_newest_first(page: Page) -> None:
    open_market(page, MARKET)
    choose(page, "New")
    assert order(page) == ["NEWERUSDT", "FRESHUSDT"]


def test_quotes_have_tabs_that_say_how_many_there_are(page: Page) -> None:
    open_market(page, MARKET)
    expect(page.locator("[data-tally=all]")).to_have_text(str(len(MARKET)))
    expect(page.locator("[data-tally=btc]")).to_have_text("4")
    expect(page.locator("[data-tally=fiat]")).to_have_text("3")
    choose(page, "Fiat")
    assert order(page) == ["BTCEUR", "BTCJPY", "BTCIDR"]
    choose(page, "ETH")
    expect(page.locator("#empty")).to_contain_text("None with this quote.")
    page.get_by_role("button", name="Show all quotes").click()
    assert len(order(page)) == len(MARKET)


def test_any_column_sorts_and_what_is_unknown_stands_last(page: Page) -> None:
    open_market(page, MARKET)
    say_updates(page, "HELDUSDT", price="3", high="", low="")
    head = page.get_by_role("columnheader", name="High")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert order(page)[0] == "BTCIDR"
    assert order(page)[-1] == "HELDUSDT"
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert order(page)[-1] == "HELDUSDT"
    page.get_by_role("columnheader", name="Symbol").get_by_role("button").click()
    expect(head).not_to_have_attribute("aria-sort", re.compile("."))
    assert order(page) == sorted(order(page))


def star(page: Page, symbol: str) -> None:
    row(page, symbol).get_by_role("button").click()


def test_favourites_begin_with_a_kind_word_and_are_set_by_star_and_by_key(page: Page) -> None:
    open_market(page, MARKET)
    choose(page, "Favourites")
    expect(page.locator("#empty")).to_contain_text("No favourites yet. Press the star")
    page.get_by_role("button", name="Show all symbols").click()
    order(page)
    star(page, "BTCEUR")
    expect(row(page, "BTCEUR").get_by_role("button")).to_have_attribute("aria-pressed", "true")
    row(page, "ETHBTC").get_by_role("link").focus()
    page.keyboard.press("f")
    choose(page, "Favourites")
    assert order(page) == ["ETHBTC", "BTCEUR"]
    star(page, "ETHBTC")
    assert order(page) == ["BTCEUR"]


def test_favourites_of_another_tab_arrive(page: Page) -> None:
    open_market(page, MARKET)
    choose(page, "Favourites")
    other = page.context.new_page()
    other.route("**/*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    other.goto("/robots.txt")
    other.evaluate("localStorage.setItem('favourites', '[\"BTCJPY\", 5, \"<b>\"]')")
    expect(page.locator("#count")).to_have_text(f"1 of {len(MARKET)}")
    assert order(page) == ["BTCJPY"]


def test_a_shared_list_of_favourites_leaves_ones_own_alone(page: Page) -> None:
    open_market(page, MARKET)
    star(page, "BTCUSDT")
    open_market(page, MARKET, "/?view=favourites&fav=ETHBTC,BTCEUR")
    assert order(page) == ["ETHBTC", "BTCEUR"]
    expect(page.get_by_text("A shared list of favourites.")).to_be_visible()
    page.get_by_role("button", name="Show mine").click()
    assert order(page) == ["BTCUSDT"]
    expect(page.get_by_text("A shared list of favourites.")).to_be_hidden()
    open_market(page, MARKET, "/?view=favourites&fav=ETHBTC,BTCEUR")
    page.get_by_role("button", name="Add to mine").click()
    assert order(page) == ["BTCUSDT", "ETHBTC", "BTCEUR"]
    assert address(page) == "?view=favourites&fav=BTCUSDT,ETHBTC,BTCEUR"


def test_the_address_says_what_is_not_usual_and_no_more(page: Page) -> None:
    open_market(page, MARKET)
    assert address(page) == ""
    choose(page, "USD")
    seek(page, "btc/u")
    page.get_by_role("columnheader", name="Price").get_by_role("button").click()
    page.get_by_text("Settings").click()
    page.get_by_label("Dense").check()
    page.get_by_label("Dark").check()
    said = "?q=btc%2Fu&quote=usd&sort=-price&theme=dark&density=dense"
    assert address(page) == said
    page.get_by_label("Cosy").check()
    page.get_by_label("As the device").check()
    page.keyboard.press("Escape")
    page.get_by_role("columnheader", name="Volume").get_by_role("button").click()
    choose(page, "All quotes")
    seek(page, "")
    assert address(page) == ""


def test_times_are_local_and_in_utc_on_request(browser: Browser, bodies: Bodies) -> None:
    with market_page(browser, bodies, timezone_id="Asia/Kolkata") as page:
        open_market(page, MARKET)
        clock = row(page, "BTCUSDT").locator("td").nth(5)
        head = page.locator("#market [data-key=time]")
        expect(head).to_have_text("Time")
        local = clock.inner_text()
        page.get_by_text("Settings").click()
        page.get_by_label("UTC").check()
        pass_time(page, 50)
        expect(head).to_have_text("Time, UTC")
        made = datetime.fromtimestamp(READ / 1000, UTC)
        assert clock.inner_text() == f"{made:%H:%M:%S}"
        assert local == f"{made + timedelta(hours=5, minutes=30):%H:%M:%S}"


def test_an_address_opens_as_it_was_shared_and_what_was_chosen_last_is_kept(page: Page) -> None:
    open_market(page, MARKET, "/?q=btc&quote=fiat&sort=price&density=dense&view=nonsense")
    assert order(page) == ["BTCEUR", "BTCJPY", "BTCIDR"]
    expect(page.get_by_label("Search")).to_have_value("btc")
    expect(page.locator("html")).to_have_attribute("data-density", "dense")
    choose(page, "USD")
    open_market(page, MARKET)
    assert set(order(page)) >= {"BTCUSDT", "ETHUSDC", "UPUSDT"}
    expect(page.get_by_label("Search")).to_have_value("")
    assert "BTCEUR" not in order(page)


@long
def test_rubbish_in_the_browsers_storage_is_no_obstacle(page: Page) -> None:
    for rubbish in ("null", "[", '{"view":"__proto__","sort":5,"quote":[]}', "7"):
        page.add_init_script(
            f"localStorage.setItem('market', '{rubbish}'); localStorage.setItem('favourites', '{rubbish}')"
        )
        open_market(page, MARKET)
        assert order(page)[: len(TOP)] == TOP


def test_a_browser_that_keeps_nothing_has_favourites_for_as_long_as_the_page_lives(
    page: Page,
) -> None:
    page.add_init_script(
        "Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('no'); } })"
    )
    open_market(page, MARKET)
    star(page, "BTCEUR")
    star(page, "ETHBTC")
    choose(page, "Favourites")
    assert order(page) == ["ETHBTC", "BTCEUR"]


def test_back_and_reload_keep_what_was_chosen_and_where_somebody_was(
    browser: Browser, bodies: Bodies
) -> None:
    with market_page(browser, bodies, viewport={"width": 1280, "height": 400}) as page:
        open_market(page, MARKET, "/?quote=usd")
        page.evaluate("scrollTo(0, 250)")
        order(page)
        page.get_by_role("columnheader", name="Symbol").get_by_role("button").click()
        seek(page, "u")
        page.evaluate("scrollTo(0, 200)")
        shown = order(page)
        pass_time(page, ADDRESS)
        page.goto("/symbols/BTCUSDT")
        page.go_back()
        say_all(page, MARKET)
        assert order(page) == shown
        assert page.evaluate("scrollY") == 200
        page.reload()
        say_all(page, MARKET)
        assert order(page) == shown
        assert page.evaluate("scrollY") == 200
        pass_time(page, LOOK)
        assert page.evaluate("scrollY") == 200


def test_back_undoes_a_view_and_a_quote_but_no_letter_of_a_search(
    browser: Browser, bodies: Bodies
) -> None:
    with market_page(browser, bodies, viewport={"width": 1280, "height": 400}) as page:
        open_market(page, MARKET)
        scroll(page, "150")
        choose(page, "USD")
        assert address(page) == "?quote=usd"
        seek(page, "btc")
        choose(page, "Gainers")
        assert address(page) == "?q=btc&view=gainers&quote=usd"
        page.go_back()
        assert address(page) == "?q=btc&quote=usd"
        expect(page.get_by_label("Search")).to_have_value("btc")
        expect(page.get_by_role("radio", name="All", exact=True)).to_be_checked()
        page.go_back()
        assert address(page) == ""
        expect(page.get_by_role("radio", name="All quotes")).to_be_checked()
        assert order(page)[: len(TOP)] == TOP
        assert page.evaluate("scrollY") == 150
        page.go_forward()
        assert address(page) == "?q=btc&quote=usd"
        assert "BTCEUR" not in order(page)


@long
def test_back_returns_to_what_was_kept_though_the_address_did_not_say_it(page: Page) -> None:
    open_market(page, MARKET)
    choose(page, "Fiat")
    open_market(page, MARKET)
    choose(page, "BTC")
    page.go_back()
    expect(page.get_by_role("radio", name="Fiat")).to_be_checked()
    assert address(page) == "?quote=fiat"


def test_a_favourite_that_has_no_room_is_refused_in_words(page: Page) -> None:
    full = json.dumps([f"X{number}" for number in range(200)])
    page.add_init_script(f"localStorage.setItem('favourites', '{full}')")
    open_market(page, MARKET)
    star(page, "BTCEUR")
    expect(page.locator("#notice")).to_have_text(
        "There is room for 200 favourites: take a star away first."
    )
    expect(row(page, "BTCEUR").get_by_role("button")).to_have_attribute("aria-pressed", "false")
    open_market(page, MARKET, "/?view=favourites&fav=ETHBTC,BTCEUR")
    page.get_by_role("button", name="Add to mine").click()
    expect(page.locator("#notice")).to_contain_text("2 of the list had none")


def test_the_most_active_are_offered_only_where_trades_are_told(page: Page) -> None:
    open_market(page, MARKET)
    active = page.get_by_role("radio", name="Most active")
    expect(active).to_be_hidden()
    say_updates(page, "BTCEUR", trades=5)
    pass_time(page, LOOK)
    expect(active).to_be_visible()
