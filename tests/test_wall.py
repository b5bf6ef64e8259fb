"""The wall in a real Chromium, on a stream that the test speaks itself."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.long import long_after
from tests.spoken import READ, Bodies, open_browser_page, say_status, say_updates

#: Milliseconds after which tiles may change their places, and after which all is known to have come.
ARRANGED, SETTLED = 31_000, 1_000
#: Volumes in their quotes, and the symbols in the order of what these are worth in dollars.
MARKET = {
    "BTCUSDT": ("50000", "900000"),
    "USDTJPY": ("150", "30000000"),
    "ETHBTC": ("0.05", "10"),
    "ETHUSDT": ("2500", "400000"),
    "DOGEEUR": ("0.1", "99"),
}
ORDER = ["BTCUSDT", "ETHBTC", "ETHUSDT", "USDTJPY", "DOGEEUR"]
#: A new page of one size.
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def open_wall(browser: Browser, bodies: Bodies) -> Iterator[Open]:
    """Opens walls that must not complain."""
    wrong: list[str] = []
    pages: list[Page] = []

    def open_wall(
        query: str = "", size: tuple[int, int] = (1920, 1080), script: str = "", **options: object
    ) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        page = open_browser_page(browser, bodies, wrong, viewport=viewport, **options)
        page.set_default_timeout(WAIT)
        page.add_init_script(script)
        pages.append(page)
        page.goto(f"/?wall{query}")
        expect(page.locator("#state")).to_have_text("connecting")
        # Before the clock jumps: a client that hears nothing tries other ways.
        say_status(page, "none")
        page.clock.pause_at(READ / 1000 + 10)
        say_status(page, "full")
        return page

    yield open_wall
    for page in pages:
        page.context.close()
    assert wrong == []


def say_market(page: Page) -> None:
    for symbol, (price, volume) in MARKET.items():
        say_updates(page, symbol, price=price, quote_volume=volume, open=price, trades=1)
    page.clock.run_for(SETTLED)


def symbols(page: Page) -> list[str]:
    tiles = page.locator("#tiles li")
    return tiles.evaluate_all("tiles => tiles.map((tile) => tile.dataset.symbol)")


def test_the_most_traded_by_dollars_come_first_and_a_symbol_is_split(open_wall: Open) -> None:
    page = open_wall()
    say_market(page)
    assert symbols(page) == ORDER
    expect(page.locator("#tiles li p").first).to_have_text("BTC / USDT")
    expect(page.locator("#tiles strong").first).to_have_text("50,000")
    expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("#clock time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))


def test_the_order_changes_every_half_minute_whatever_the_pointer_does(open_wall: Open) -> None:
    page = open_wall()
    say_market(page)
    page.mouse.move(200, 200)
    say_updates(page, "DOGEEUR", price="0.1", quote_volume="99000000", open="0.1")
    say_updates(page, "BTCEUR", price="45000", quote_volume="1", open="45000")
    page.clock.run_for(5_000)
    assert symbols(page) == ORDER
    for _ in range(3):
        page.clock.run_for(ARRANGED / 3)
        say_status(page, "none")
    assert symbols(page) == ["DOGEEUR", *ORDER[:4], "BTCEUR"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    long_after(
        3,
        [
            ("&view=gainers", ["AUSDT", "BBTC"]),
            ("&view=losers", ["CUSDT"]),
            ("&view=gainers&quote=btc", ["BBTC"]),
            ("&view=active", ["CUSDT", "AUSDT"]),
            ("&view=__proto__&quote=constructor&symbols=,=,%3Cb%3E", ["BBTC", "BTCUSDT"]),
            ("&symbols=cusdt,AUSDT,cusdt", ["CUSDT", "AUSDT"]),
        ],
    ),
)
def test_the_address_says_what_is_shown(open_wall: Open, query: str, wanted: list[str]) -> None:
    page = open_wall(query)
    rich = {"quote_volume": "90000000"}
    say_updates(page, "AUSDT", price="2.00", **{**rich, "open": "1.50"}, trades=5)
    say_updates(page, "BBTC", price="0.0012", **{**rich, "open": "0.0010"})
    say_updates(page, "CUSDT", price="1.01", **{**rich, "open": "2.00"}, trades=9)
    # One tick is no move.
    say_updates(
        page, "TICKUSDT", price="0.0003", open="0.0002", high="0.0003", low="0.0002", **rich
    )
    say_updates(page, "BTCUSDT", price="50000", open="50000", quote_volume="99000000")
    page.clock.run_for(SETTLED)
    shown = symbols(page)
    assert shown[: len(wanted)] == wanted
    is_whole = "view=gainers" in query or "view=losers" in query or "cusdt" in query
    assert not is_whole or shown == wanted


@pytest.mark.parametrize(
    "size", long_after(1, [[3840, 2160], [1920, 1080], [1080, 1920], [390, 844]])
)
def test_prices_can_be_read_from_across_the_room_and_none_is_cut(
    open_wall: Open, size: tuple[int, int]
) -> None:
    page = open_wall(size=size)
    for start in range(0, 80, 20):
        names = [f"A{number}USDT" for number in range(start, start + 20)]
        say_updates(page, *names, price="1234567890.12345678")
    page.clock.run_for(SETTLED)
    assert 8 < len(symbols(page)) <= 60
    sizes, cut, outside = page.evaluate(
        """() => {
            const prices = [...document.querySelectorAll("#tiles strong")];
            const size = (element) => parseFloat(getComputedStyle(element).fontSize);
            const tiles = [...document.querySelectorAll("#tiles li")];
            const bottom = Math.max(...tiles.map((tile) => tile.getBoundingClientRect().bottom));
            return [
                prices.map(size),
                prices.filter(({ parentElement: p }) => p.scrollWidth > p.clientWidth).length,
                bottom > innerHeight || document.documentElement.scrollWidth > innerWidth,
            ];
        }"""
    )
    assert min(sizes) >= min(*size) / 26 / 2
    assert cut == 0
    assert not outside
    say_updates(page, *symbols(page), price="12345.67")
    page.clock.run_for(1_100)
    least = page.evaluate(
        "Math.min(...[...document.querySelectorAll('#tiles strong')]"
        ".map((price) => parseFloat(getComputedStyle(price).fontSize)))"
    )
    assert least >= min(*size) / 26


def test_the_line_of_a_day_gives_way_to_how_far_a_symbol_went(open_wall: Open) -> None:
    page = open_wall("&symbols=AUSDT,BBTC,CUSDT", (1440, 900))
    say_updates(page, "AUSDT", price="20", open="1.5")
    page.clock.run_for(SETTLED)
    cut = page.evaluate(
        """() => {
            for (const line of document.querySelectorAll("#tiles svg")) line.removeAttribute("hidden");
            const changes = [...document.querySelectorAll("#tiles [data-sign]")];
            return changes.filter((change) => change.scrollWidth > change.clientWidth)
                .map((change) => change.textContent);
        }"""
    )
    assert cut == []


def test_few_symbols_are_large_and_an_unknown_one_is_called_so(open_wall: Open) -> None:
    page = open_wall("&symbols=BTCUSDT,NOPE")
    say_updates(page, "BTCUSDT", price="50000")
    page.clock.run_for(6_000)
    say_status(page, "none")
    page.clock.run_for(1_100)
    assert symbols(page) == ["BTCUSDT", "NOPE"]
    expect(page.locator("[data-symbol=NOPE]")).to_contain_text("unknown")
    size = page.locator("#tiles strong").first.evaluate(
        "(e) => parseFloat(getComputedStyle(e).fontSize)"
    )
    assert size > 1080 / 10


def test_what_is_wrong_is_said_large_and_simulated_always(open_wall: Open) -> None:
    page = open_wall("&zone=utc", color_scheme="light")
    say_market(page)
    expect(page.locator("#simulated")).to_be_hidden()
    say_status(page, "none", age=65, state="stale")
    now = page.evaluate("new Date(Date.now() - 65000).toISOString().slice(11, 19)")
    expect(page.locator("#state")).to_have_text(f"stale since {now}")
    expect(page).to_have_title(re.compile("^STALE"))
    page.clock.run_for(4_000)
    expect(page.locator("#state")).to_have_text(f"stale since {now}")
    say_status(page, "none", age=70, state="down", simulated=True)
    expect(page.locator("#state")).to_contain_text("down since")
    expect(page.locator("#simulated")).to_be_visible()
    expect(page).to_have_title(re.compile("^DOWN · SIMULATED"))
    say_status(page, "none", simulated=True)
    expect(page.locator("#state")).to_have_text("simulated")


WAKE_LOCK = """
globalThis.asked = 0;
Object.defineProperty(navigator, "wakeLock", {
  value: { request: () => (asked += 1) % 2 ? Promise.reject(new Error("low")) : Promise.resolve({}) },
});
"""


def test_the_screen_is_kept_on_and_asked_for_again(open_wall: Open) -> None:
    page = open_wall(script=WAKE_LOCK)
    assert page.evaluate("asked") == 1
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert page.evaluate("asked") == 2


def test_the_pointer_shows_the_way_out_for_three_seconds(open_wall: Open) -> None:
    page = open_wall()
    hint = page.locator("#leave")
    expect(hint).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).cursor") == "none"
    page.mouse.move(200, 200)
    page.mouse.move(210, 210)
    expect(hint).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).cursor") != "none"
    page.clock.run_for(3_100)
    expect(hint).to_be_hidden()


@pytest.mark.parametrize("way", long_after(1, ["escape", "double click"]))
def test_escape_or_a_double_click_leaves(open_wall: Open, way: str) -> None:
    page = open_wall()
    if way == "escape":
        page.keyboard.press("Escape")
    else:
        page.mouse.dblclick(300, 300)
    expect(page).to_have_url(re.compile("/$"))
