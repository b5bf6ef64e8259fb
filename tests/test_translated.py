"""What others do to a page's texts: a translation, or a phone's links, wrap and replace text nodes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.long import long, long_after
from tests.spoken import READ, Bodies, History, open_browser_page, say, say_status, say_updates
from tests.test_chart import answered, open_chart

#: Wraps every text of the page as a translator does, and changes what is a word.
TRANSLATE = """(changes) => {
    const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) found.push(texts.currentNode);
    for (const text of found) {
        const { parentElement: { tagName } } = text;
        if (!text.data.trim() || ["STYLE", "SCRIPT"].includes(tagName)) continue;
        const said = changes ? text.data.replaceAll(/[a-z]+/gi, "palabra") : text.data;
        const [outer, inner] = [document.createElement("font"), document.createElement("font")];
        inner.textContent = said;
        outer.append(inner);
        if (tagName === "TITLE") text.data = said;
        else text.replaceWith(outer);
    }
}"""
SPOKEN = """() => {
    globalThis.spoken = 0;
    const region = document.querySelector("#banner [aria-live]");
    const all = { subtree: true, childList: true, characterData: true };
    new MutationObserver(() => { spoken += 1; }).observe(region, all);
}"""


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    page.set_default_timeout(WAIT)
    history = History()
    history.answer = answered
    page.route("**/api/history/*", history.take)
    yield page
    page.context.close()
    assert wrong == []


def translate(page: Page, words: bool = False) -> None:
    page.evaluate(TRANSLATE, words)


def test_a_symbols_figures_and_title_go_on(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    say_updates(page, "S0", price="1.5")
    translate(page, words=True)
    say_updates(page, "S0", price="2222.5", high="3333.0")
    expect(page.locator("[data-key=price]")).to_have_text("2,222.5")
    expect(page.locator("[data-key=high]")).to_have_text("3,333.0")
    expect(page.locator("[data-key=percent]")).to_have_text(re.compile(r"^[+-][\d,]+\.\d\d%$"))
    expect(page).to_have_title(re.compile(r"^2,222\.5 "))


@long
def test_the_banner_goes_on(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    translate(page, words=True)
    say_status(page, "none", age=7.0, state="stale")
    expect(page.locator("#state")).to_have_text("stale")
    expect(page.locator("#age")).to_have_text(re.compile("^newest price [78] s ago"))
    expect(page).to_have_title(re.compile("^STALE · "))
    page.clock.fast_forward(60_000)
    expect(page.locator("#age")).to_have_text(re.compile("^newest price 1 min "))


def test_words_that_were_translated_stay_so_while_nothing_new_is_said(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none", age=7.0, state="stale")
    translate(page, words=True)
    page.evaluate(SPOKEN)
    page.clock.run_for(4_000)
    expect(page.locator("#age")).to_have_text(re.compile("^newest price 1[1-9] s ago"))
    expect(page.locator("#state")).to_have_text("palabra")
    assert page.evaluate("spoken") == 0


@long
def test_the_charts_legend_note_and_table_go_on(page: Page) -> None:
    open_chart(page)
    page.get_by_text("The newest 100 candles as a table").click()
    expect(page.locator("#chart tbody tr").first).to_be_visible()
    translate(page)
    time = READ - READ % 60_000
    row = [time, "101.50", "1140.75", "99.00", "1140.75", 30]
    update = {"symbol": "S0", "price": "140.75", "received_time": READ, "candles": [row]}
    say(page, "message", [update], "e1-9")
    expect(page.locator("[data-part=close]")).to_have_text("1,140.75")
    page.clock.run_for(1_500)
    expect(page.locator("#chart tbody tr").first.locator("td").nth(3)).to_have_text("1,140.75")
    page.get_by_role("button", name="1h").click()
    expect(page.locator("[data-part=interval]")).to_have_text("1h")


def test_nothing_is_written_where_nothing_changed(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    say_updates(page, "S0", price="1.5")
    translate(page)
    page.evaluate(
        """() => {
            globalThis.written = 0;
            new MutationObserver(() => { written += 1; }).observe(
                document.querySelector("[data-key=price]"),
                { subtree: true, childList: true, characterData: true });
        }"""
    )
    say_updates(page, "S0", price="1.5")
    assert page.evaluate("written") == 0


@pytest.mark.parametrize(
    "place", long_after(1, ["h1", ".price", "[data-key=time]", "dd", ".legend", ".table"])
)
def test_figures_and_symbols_are_marked_as_nothing_to_translate(page: Page, place: str) -> None:
    page.goto("/symbols/S0")
    for element in page.locator(f"#symbol {place}").all():
        expect(element).to_have_attribute("translate", "no")
    # A phone must not make a link to a call of a volume.
    detected = page.locator("meta[name=format-detection]")
    expect(detected).to_have_attribute("content", re.compile("telephone=no"))
