"""The chart of a symbol's page and the lines of the market, in a real Chromium; answers are made up."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from relay.history.interval import SECONDS
from tests.browser import WAIT
from tests.long import long, long_after
from tests.spoken import (
    FIELDS,
    READ,
    SYMBOLS,
    Bodies,
    History,
    open_browser_page,
    parameters,
    say,
    say_status,
)

STEPS = {name: seconds * 1_000 for name, seconds in SECONDS.items()}
#: Candles that the exchange knows, and those of the latest that the relay made.
NUMBER, OWN = 700, 3
#: Of those, the ones that nobody knows.
GAP = range(660, 670)


def candles(interval: str) -> list[list[Any]]:
    step = STEPS[interval]
    first = READ - READ % step - (NUMBER - 1) * step
    return [_row(first + number * step, number) for number in range(NUMBER) if number not in GAP]


def _row(time: int, number: int) -> list[Any]:
    price = 100 + number % 17
    prices = [f"{price}.50", f"{price + 2}.25", f"{price - 1}.00", f"{price + number % 3}.00"]
    if number >= NUMBER - OWN:
        return [time, *prices, None, None, None, 5, "relay"]
    return [time, *prices, f"{number}.5", "1000", 9, None, "exchange"]


def answered(asked: dict[str, str]) -> dict[str, Any]:
    """What the relay would say to such a question."""
    rows = candles(asked["interval"])
    if "to" in asked:
        rows = [row for row in rows if row[0] < int(asked["to"])]
    if "from" in asked:
        rows = [row for row in rows if row[0] >= int(asked["from"])]
    step = STEPS[asked["interval"]]
    said = {"id": "e1-6", "time": READ, "simulated": False, "complete": True, "fields": FIELDS}
    return {**said, "closed": READ - READ % step, "candles": rows[-500:]}


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def history() -> History:
    history = History()
    history.answer = answered
    return history


@pytest.fixture
def options() -> dict[str, Any]:
    """What kind of device it is."""
    return {}


@pytest.fixture
def page(
    browser: Browser, bodies: Bodies, history: History, options: dict[str, Any]
) -> Iterator[Page]:
    """A page that must not complain, of the content security policy for one."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong, **options)
    page.set_default_timeout(WAIT)
    page.route("**/api/history/*", history.take)
    yield page
    page.context.close()
    assert wrong == []


def open_chart(page: Page, query: str = "") -> None:
    page.goto(f"/symbols/S0{query}")
    say_status(page, "none")
    expect(page.locator("#chart")).to_have_attribute("data-drawn", re.compile("."), timeout=WAIT)


def shown(page: Page, part: str) -> str:
    return page.locator(f"[data-part={part}]").inner_text()


def pixels(page: Page) -> str:
    """What the chart looks like: its canvases, one after the other."""
    return page.evaluate(
        """async () => {
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const all = document.querySelectorAll("[data-part=plot] canvas");
            return [...all].map((canvas) => canvas.toDataURL()).join();
        }"""
    )


#: What the page's colours for up and down are named in style/base/tokens.css, by their value.
COLOURS = {0x08734A: "up", 0xBD1E33: "down", 0x3ECF8E: "dark up", 0xFF7682: "dark down"}
FOUND = """() => {
    const found = new Set();
    for (const canvas of document.querySelectorAll("[data-part=plot] canvas")) {
        if (!canvas.width || !canvas.height) continue;
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let at = 0; at < data.length; at += 4) {
            const [red, green, blue, opacity] = data.subarray(at, at + 4);
            if (opacity === 255) found.add((red << 16) | (green << 8) | blue);
        }
    }
    return [...found];
}"""


def colours(page: Page) -> set[str]:
    """Which of those the chart is drawn with."""
    pixels(page)
    return {COLOURS[colour] for colour in page.evaluate(FOUND) if colour in COLOURS}


def test_a_symbols_page_has_a_drawn_chart_and_its_newest_values(page: Page) -> None:
    open_chart(page)
    expect(page.locator("[data-part=plot] canvas").first).to_be_visible()
    expect(page.locator("[data-part=close]")).to_have_text("102.00")
    expect(page.locator("[data-part=source]")).to_have_text("relay")
    expect(page.locator("[data-part=note]")).to_have_text("")
    expect(page.locator("footer")).to_contain_text("Lightweight Charts™, © 2025 TradingView, Inc.")
    expect(page.get_by_role("link", name="TradingView")).to_have_attribute(
        "href", "https://www.tradingview.com/"
    )


def test_grid_and_volumes_are_drawn_in_pale_colours_of_the_page(page: Page) -> None:
    open_chart(page)
    pixels(page)
    assert 0 not in page.evaluate(FOUND)


def test_the_chart_goes_on_with_the_prices(page: Page) -> None:
    open_chart(page)
    before = pixels(page)
    time = READ - READ % 60_000
    row = [time, "101.50", "140.75", "99.00", "140.75", 30]
    update = {"symbol": "S0", "price": "140.75", "received_time": READ, "candles": [row]}
    say(page, "message", [update], "e1-9")
    expect(page.locator("[data-part=close]")).to_have_text("140.75")
    assert pixels(page) != before


def test_another_interval_shows_its_candles_and_is_a_part_of_the_address(
    page: Page, history: History
) -> None:
    open_chart(page)
    page.get_by_role("button", name="1h").click()
    expect(page.locator("[data-part=opens]")).to_have_text(re.compile(r":00 UTC$"))
    expect(page.get_by_role("button", name="1h")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("/symbols/S0?interval=1h")
    assert history.asked[-1]["interval"] == "1h"
    asked = len(history.asked)
    page.clock.fast_forward(3_700_000)
    page.clock.fast_forward(3_700_000)
    pixels(page)
    assert {question["interval"] for question in history.asked[asked:]} == {"1h"}
    page.get_by_text("The newest 100 candles as a table").click()
    link = page.get_by_role("link", name="The newest 2,000 candles of 1h as CSV")
    expect(link).to_have_attribute("href", "/api/history/S0.csv?interval=1h&limit=2000")


def test_an_address_with_an_interval_begins_with_it(page: Page, history: History) -> None:
    open_chart(page, "?interval=5m")
    assert {asked["interval"] for asked in history.asked} == {"5m"}
    expect(page.get_by_role("button", name="5m", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def test_an_address_may_name_any_interval_that_the_relay_has(page: Page, history: History) -> None:
    open_chart(page, "?interval=3m")
    assert {asked["interval"] for asked in history.asked} == {"3m"}
    assert page.locator("#chart button[data-interval][aria-pressed=true]").count() == 0
    interval = page.locator("[data-part=interval]")
    expect(interval).to_have_text("3m")
    assert page.url.endswith("/symbols/S0?interval=3m")
    page.get_by_role("button", name="5m", exact=True).click()
    expect(interval).to_have_text("5m")


def test_an_interval_that_nobody_knows_is_the_usual_one_and_leaves_the_address(
    page: Page, history: History
) -> None:
    open_chart(page, "?interval=7m")
    assert {asked["interval"] for asked in history.asked} == {"1m"}
    expect(page.locator("[data-part=interval]")).to_have_text("1m")
    assert page.url.endswith("/symbols/S0")


def test_a_switch_amid_an_answer_shows_no_candle_of_the_interval_before(
    page: Page, history: History
) -> None:
    open_chart(page)
    history.answer = lambda asked: None if asked["interval"] == "1h" else answered(asked)
    page.get_by_role("button", name="1h").click()
    expect(page.locator("[data-part=note]")).to_have_text("Waiting for candles…")
    page.get_by_role("button", name="1d").click()
    expect(page.locator("[data-part=opens]")).to_have_text(re.compile(r"20\d\d UTC$"))
    history.release(answered({"interval": "1h"}))
    pixels(page)
    expect(page.locator("[data-part=opens]")).to_have_text(re.compile(r"20\d\d UTC$"))


def test_older_candles_come_when_the_oldest_are_in_sight(page: Page) -> None:
    open_chart(page)
    page.get_by_role("application").focus()
    with page.expect_response("**to=*"):
        page.keyboard.press("Home")
    expect(page.locator("[data-part=said]")).to_contain_text("open 1")
    pixels(page)
    page.keyboard.press("Home")
    first = candles("1m")[0][0]
    expect(page.locator("[data-part=opens]")).to_have_text(page.evaluate(READ_TIME, first))


READ_TIME = """async (time) => {
    const { Zone } = await import("/static/page/zone.js");
    return `${new Zone(false).time(time, 60000)} UTC`;
}"""


def test_keys_go_from_candle_to_candle_and_say_them(page: Page) -> None:
    open_chart(page)
    page.get_by_role("application").focus()
    said = page.locator("[data-part=said]")
    for key, number in (("ArrowLeft", 699), ("ArrowLeft", 698), ("PageUp", 688), ("End", 699)):
        page.keyboard.press(key)
        row = _row(0, number)
        expect(said).to_contain_text(f"open {row[1]}, high {row[2]}, low {row[3]}, close {row[4]}")
    expect(said).to_contain_text("from relay")
    before = pixels(page)
    page.keyboard.press("+")
    assert pixels(page) != before
    page.keyboard.press("Escape")
    expect(said).to_have_text("")


#: Gives a test the library's own chart, which the page keeps to itself.
KEEP = """
Object.defineProperty(globalThis, "LightweightCharts", {
    configurable: true,
    set(library) {
        const { createChart } = library;
        const kept = (...all) => (globalThis.drawn = createChart(...all));
        Object.defineProperty(globalThis, "LightweightCharts",
            { value: { ...library, createChart: kept } });
    },
});"""
#: When the candle opens on which the cross stands, by where it is painted; null if there is none.
CROSSED = """() => {
    const pane = drawn.panes()[0].getHTMLElement();
    const { canvas, ctx = canvas.getContext("2d") } = { canvas: [...pane.querySelectorAll(
        "td:nth-child(2) canvas")].at(-1) };
    const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
    const columns = new Array(canvas.width).fill(0);
    for (let at = 3; at < data.length; at += 4) {
        if (data[at]) columns[((at - 3) / 4) % canvas.width]++;
    }
    const most = Math.max(...columns);
    if (most < canvas.height / 4) return null;
    const time = drawn.timeScale().coordinateToTime(columns.indexOf(most) / devicePixelRatio);
    return time && time * 1000;
}"""


def crossed(page: Page) -> int | None:
    pixels(page)
    pixels(page)
    return page.evaluate(CROSSED)  # type: ignore[no-any-return]


def choose(page: Page, *keys: str) -> None:
    """Opens the chart and goes to a candle by keys."""
    page.add_init_script(KEEP)
    open_chart(page)
    page.get_by_role("application").focus()
    for key in keys:
        page.keyboard.press(key)


def expect_chosen(page: Page, number: int) -> None:
    """The cross, the legend and what was said are all about this candle."""
    time = READ - READ % 60_000 - (NUMBER - 1 - number) * 60_000
    assert crossed(page) == time
    read = page.evaluate(READ_TIME, time)
    expect(page.locator("[data-part=opens]")).to_have_text(read)
    expect(page.locator("[data-part=said]")).to_contain_text(f"{read}: open ")


@pytest.mark.parametrize("keys", long_after(1, ["+++", "-----", "+-", "++++----"]))
def test_the_chosen_candle_stays_chosen_and_in_sight_while_keys_zoom(page: Page, keys: str) -> None:
    choose(page, "PageUp", "PageUp", "ArrowLeft")
    expect_chosen(page, 679 - 1)
    for key in keys:
        page.keyboard.press(key)
        expect_chosen(page, 678)
    page.keyboard.press("ArrowRight")
    expect_chosen(page, 679)


@long
def test_a_candle_chosen_out_of_sight_is_moved_into_sight(page: Page) -> None:
    choose(page, *["PageUp"] * 25)
    expect_chosen(page, 699 - 250 - len(GAP))


def test_the_chosen_candle_stays_chosen_while_minutes_begin(page: Page) -> None:
    choose(page, "PageUp")
    for minute in range(1, 4):
        row = [READ - READ % 60_000 + minute * 60_000, "101.50", "140.75", "99.00", "140.75", 30]
        update = {"symbol": "S0", "price": "140.75", "received_time": READ, "candles": [row]}
        say(page, "message", [update], f"e1-{8 + minute}")
        expect_chosen(page, 689)


@long
def test_the_chosen_candle_stays_in_sight_while_many_minutes_begin(page: Page) -> None:
    choose(page, "PageUp", "+", "+", "+", "+", "+", "+", "+")
    for minute in range(1, 40):
        row = [READ - READ % 60_000 + minute * 60_000, "101.50", "140.75", "99.00", "140.75", 30]
        update = {"symbol": "S0", "price": "140.75", "received_time": READ, "candles": [row]}
        say(page, "message", [update], f"e1-{8 + minute}")
        if minute % 10 == 0:
            pixels(page)
    expect_chosen(page, 689)


@long
def test_the_chosen_candle_stays_chosen_however_the_chart_is_drawn(page: Page) -> None:
    choose(page, "PageUp")
    for look in ("Line", "Local", "Candles", "UTC"):
        page.evaluate("(name) => [...document.querySelectorAll('.choice button')]"
                      ".find((button) => button.textContent === name).click()", look)  # fmt: skip
        time = READ - READ % 60_000 - 10 * 60_000
        assert crossed(page) == time
    page.emulate_media(color_scheme="dark")
    expect_chosen(page, 689)


def test_a_resting_mouse_does_not_take_the_choice(page: Page) -> None:
    page.add_init_script(KEEP)
    open_chart(page)
    box = page.get_by_role("application").bounding_box()
    assert box is not None
    place = (int(box["x"]) + 100, int(box["y"]) + 100)
    page.mouse.move(*place)
    page.get_by_role("application").focus()
    # The browser tells of the mouse again where something moved below it.
    page.mouse.move(*place)
    page.keyboard.press("End")
    page.keyboard.press("PageUp")
    expect_chosen(page, 689)
    page.mouse.move(*place)
    row = [READ - READ % 60_000 + 60_000, "101.50", "140.75", "99.00", "140.75", 30]
    update = {"symbol": "S0", "price": "140.75", "received_time": READ, "candles": [row]}
    say(page, "message", [update], "e1-9")
    expect_chosen(page, 689)


def test_where_the_mouse_takes_over_the_choice_ends(page: Page) -> None:
    choose(page, "PageUp")
    plot = page.locator("[data-part=plot]")
    plot.hover(position={"x": 100, "y": 100})
    expect(page.locator("[data-part=said]")).to_have_text("")
    pointed = crossed(page)
    assert pointed is not None
    assert pointed < READ - 20 * 60_000
    expect(page.locator("[data-part=opens]")).to_have_text(page.evaluate(READ_TIME, pointed))
    row = [READ - READ % 60_000, "101.50", "140.75", "99.00", "140.75", 30]
    update = {"symbol": "S0", "price": "140.75", "received_time": READ, "candles": [row]}
    say(page, "message", [update], "e1-9")
    assert crossed(page) == pointed
    expect(page.locator("[data-part=opens]")).to_have_text(page.evaluate(READ_TIME, pointed))
    page.keyboard.press("ArrowRight")
    assert crossed(page) == pointed + 60_000
    expect(page.locator("[data-part=said]")).to_contain_text("open ")
    page.mouse.wheel(-400, 0)
    expect(page.locator("[data-part=said]")).to_have_text("")
    newest = page.evaluate(READ_TIME, READ - READ % 60_000)
    expect(page.locator("[data-part=opens]")).to_have_text(newest)


def test_what_the_library_lays_out_is_no_table_to_a_screen_reader(page: Page) -> None:
    open_chart(page)
    chart = page.get_by_role("application")
    expect(chart.locator("canvas").first).to_be_visible()
    assert chart.get_by_role("table").count() == 0


def test_the_table_holds_the_candles_of_the_chart(page: Page) -> None:
    open_chart(page)
    assert page.locator("#chart tbody tr").count() == 0
    page.get_by_text("The newest 100 candles as a table").click()
    rows = page.locator("#chart tbody tr")
    expect(rows).to_have_count(100)
    told = rows.evaluate_all("rows => rows.map((row) => [...row.cells].map((c) => c.textContent))")
    newest = candles("1m")[::-1][:100]
    figures = [[*row[1:5], row[5] or "", row[9]] for row in newest]
    assert [cells[1:] for cells in told] == figures
    assert [cells[0] for cells in told] == [
        page.evaluate(READ_TIME, row[0]).removesuffix(" UTC") for row in newest
    ]


@pytest.mark.parametrize("options", [{"timezone_id": "America/St_Johns"}])
def test_times_read_in_utc_or_in_local_time_and_the_choice_is_kept(page: Page) -> None:
    open_chart(page)
    expect(page.locator("[data-part=opens]")).to_have_text(re.compile(r"UTC−[23]:30$"))
    page.get_by_role("button", name="UTC").click()
    expect(page.locator("[data-part=opens]")).to_have_text(re.compile(" UTC$"))
    page.get_by_role("button", name="Line").click()
    open_chart(page)
    expect(page.locator("[data-part=opens]")).to_have_text(re.compile(" UTC$"))
    expect(page.get_by_role("button", name="Line")).to_have_attribute("aria-pressed", "true")


def test_the_chart_follows_the_page_into_the_dark(page: Page) -> None:
    open_chart(page)
    assert colours(page) == {"up", "down"}
    page.emulate_media(color_scheme="dark")
    assert colours(page) == {"dark up", "dark down"}


def test_the_chart_is_greyed_while_prices_are_old(page: Page) -> None:
    open_chart(page)
    assert colours(page) == {"up", "down"}
    say_status(page, "none", age=60, state="stale")
    expect(page.locator("html")).to_have_attribute("data-state", "stale")
    assert colours(page) == set()
    say_status(page, "none")
    expect(page.locator("html")).to_have_attribute("data-state", "live")
    assert colours(page) == {"up", "down"}


def test_a_gap_takes_its_room(page: Page, history: History) -> None:
    open_chart(page)
    with_gap = pixels(page)
    history.answer = lambda asked: {
        **answered(asked),
        "candles": [[row[0] + 10 * 60_000, *row[1:]] if row[0] < candles("1m")[660][0] else row
                    for row in answered(asked)["candles"]],
    }  # fmt: skip
    open_chart(page)
    assert pixels(page) != with_gap


def test_a_failing_history_is_said_in_words(page: Page, history: History) -> None:
    history.answer = lambda _: 503
    page.goto("/symbols/S0")
    say_status(page, "none")
    note = page.locator("[data-part=note]")
    expect(note).to_have_text("No candles: no history today")
    history.answer = lambda asked: {**answered(asked), "complete": False, "reason": "it is asked"}
    expect(note).to_have_text("Incomplete: it is asked", timeout=WAIT)
    history.answer = answered
    expect(note).to_have_text("", timeout=WAIT)


@long
def test_where_no_candle_is_found_it_looks_further_back_and_says_how_far(
    page: Page, history: History
) -> None:
    start = READ - READ % 60_000 - 5_000 * 60_000

    def nothing_lately(asked: dict[str, str]) -> dict[str, Any]:
        end = int(asked.get("to", READ))
        window = {"candles": [], "from": end - 1_000 * 60_000, "to": end}
        return {**answered({"interval": "1m"}), **window}

    history.answer = nothing_lately
    open_page_without_candles(page)
    note = page.locator("[data-part=note]")
    read = page.evaluate(READ_TIME, READ - 5_000 * 60_000)
    expect(note).to_have_text(f"No candle was found since {read}.")
    assert [int(asked["to"]) for asked in history.asked if "to" in asked] == [
        READ - number * 1_000 * 60_000 for number in (1, 2, 3, 4)
    ]
    history.asked.clear()

    def something_before(asked: dict[str, str]) -> dict[str, Any]:
        if "to" not in asked or int(asked["to"]) > start + 2_000 * 60_000:
            return nothing_lately(asked)
        row = [start, "1", "1", "1", "1", "5", "5", 1, None, "exchange"]
        return {**answered({"interval": "1m"}), "candles": [row]}

    history.answer = something_before
    open_chart(page)
    expect(page.locator("[data-part=opens]")).to_have_text(page.evaluate(READ_TIME, start))
    expect(note).to_have_text("")


def open_page_without_candles(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")


@long
def test_an_empty_window_at_the_edge_is_gone_past(page: Page, history: History) -> None:
    """A halt longer than what one answer looks at."""
    halt = 3_000 * 60_000
    oldest = candles("1m")[0][0]

    def before_the_halt(asked: dict[str, str]) -> dict[str, Any]:
        end = int(asked.get("to", READ))
        if end > oldest:
            return answered(asked)
        if end > oldest - halt:
            return {**answered(asked), "candles": [], "from": end - 1_000 * 60_000, "to": end}
        return {**answered(asked), "candles": [_row(oldest - halt - 60_000, 5)]}

    history.answer = before_the_halt
    open_chart(page)
    page.get_by_role("application").focus()
    for _ in range(3):
        page.keyboard.press("Home")
        pixels(page)
    first = page.evaluate(READ_TIME, oldest - halt - 60_000)
    for _ in range(20):
        page.keyboard.press("Home")
        pixels(page)
        if shown(page, "opens") == first:
            break
    assert shown(page, "opens") == first
    assert len(history.asked) < 9


def test_without_the_library_the_page_says_so_and_shows_the_table(page: Page) -> None:
    page.route("**/lightweight-charts.*", lambda route: route.abort())
    open_chart(page)
    expect(page.locator("[data-part=why]")).to_contain_text("library could not be loaded")
    expect(page.locator("#chart tbody tr")).to_have_count(100)
    expect(page.locator("[data-key=price]")).to_have_text("1")


def test_without_javascript_the_chart_is_a_link_to_its_candles(
    browser: Browser, bodies: Bodies
) -> None:
    page = open_browser_page(browser, bodies, [], java_script_enabled=False)
    page.goto("/symbols/S0")
    link = page.get_by_role("link", name="Its newest 2,000 candles as CSV")
    expect(link).to_be_visible()
    expect(link).to_have_attribute("href", "/api/history/S0.csv?interval=1m&limit=2000")
    expect(page.get_by_role("button", name="5m", exact=True)).to_be_hidden()
    page.context.close()


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("options", [PHONE])
@pytest.mark.parametrize("path", long_after(1, ["/", "/symbols/S0"]))
def test_nothing_is_wider_than_a_phone(page: Page, path: str) -> None:
    page.goto(path)
    say_status(page, "none")
    if path != "/":
        expect(page.locator("#chart")).to_have_attribute(
            "data-drawn", re.compile("."), timeout=WAIT
        )
        page.get_by_text("The newest 100 candles as a table").tap()
        expect(page.locator("#chart tbody tr")).to_have_count(100)
        page.get_by_role("button", name="5m", exact=True).tap()
        expect(page.get_by_role("button", name="5m", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    assert page.evaluate("document.documentElement.scrollWidth") == 390


class Lines:
    """Answers /api/history?symbols=…"""

    def __init__(self, page: Page) -> None:
        self.asked: list[list[str]] = []
        self.waiting: list[str] = []
        page.route("**/api/history?*", self._take)

    def _take(self, route: Route) -> None:
        asked = parameters(route.request)
        assert asked["points"] == "48"
        symbols = asked["symbols"].split(",")
        self.asked.append(symbols)
        closes = {symbol: [None, *(f"{9 - n % 5}.5" for n in range(46)), "5"] for symbol in symbols}
        route.fulfill(json={"closes": closes, "waiting": self.waiting, "unknown": []})


def test_rows_in_sight_get_their_lines_by_one_question(page: Page) -> None:
    lines = Lines(page)
    page.goto("/")
    drawn = page.locator("#market tbody svg[data-way]")
    expect(drawn).to_have_count(len(SYMBOLS))
    assert [sorted(symbols) for symbols in lines.asked] == [SYMBOLS]
    expect(drawn.first).to_have_attribute("data-way", "down")
    heights = "rows => rows.map((row) => row.getBoundingClientRect().height)"
    assert len(set(page.locator("#market tbody tr").evaluate_all(heights))) == 1


def test_lines_that_wait_are_asked_for_again(page: Page) -> None:
    lines = Lines(page)
    lines.waiting = ["S2", "S4"]
    page.goto("/")
    expect(page.locator("#market tbody svg[data-way]")).to_have_count(len(SYMBOLS))
    lines.waiting = []
    page.clock.run_for(5_000)
    pixels(page)
    assert lines.asked[1:] == [["S2", "S4"]]
    page.clock.run_for(1_000_000)
    assert len(lines.asked) == 2
    page.clock.run_for(1_000_000)
    pixels(page)
    assert lines.asked[2] == SYMBOLS


@pytest.mark.parametrize("options", [PHONE])
def test_a_phone_has_no_room_for_lines_and_asks_for_none(page: Page) -> None:
    lines = Lines(page)
    page.goto("/")
    page.clock.run_for(100_000)
    assert lines.asked == []
    assert page.locator("#market tbody svg[data-way]").count() == 0
