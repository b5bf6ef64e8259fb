"""How pages read to this reader: figures in their locale, times in their zone, and the menu that sets it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.long import long_after
from tests.node import evaluate
from tests.spoken import Bodies, open_browser_page, say_status, say_updates


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def options() -> dict[str, Any]:
    """What kind of device it is."""
    return {}


@pytest.fixture
def page(browser: Browser, bodies: Bodies, options: dict[str, Any]) -> Iterator[Page]:
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong, **options)
    page.set_default_timeout(WAIT)
    yield page
    page.context.close()
    assert wrong == []


def open_symbol(page: Page, query: str = "") -> None:
    page.goto(f"/symbols/S0{query}")
    say_status(page, "none")


LOCALES = [
    *("en", "de", "fr", "es", "pt-PT", "pl", "sv", "tr", "de-CH", "en-IN", "hi", "bn", "th", "ja"),
    *(
        "ar-EG",
        "fa",
        "he",
        "ur",
        "mr",
        "ne",
        "my",
        "ckb",
        "ff-Adlm",
        "th-u-nu-thai",
        "zh-u-nu-hanidec",
    ),
]
#: Long ones are no percentages: some locales group those by other rules.
FIGURES = [
    *("0", "1", "12.50", "999.999", "1000", "1234.5", "12345", "1234567.00012", "-1234.5", "-0.05"),
    "123456789012345678901234.000000000000000000000010",
]
#: The figures that read otherwise than the browser's own formatter, which takes texts, would write them
#: with the digits that the rest of the page has.
COMPARE = """async ([locales, figures]) => {
    const [script] = document.querySelectorAll("script[src$='settings_menu.js']");
    const { Numerals } = await import(new URL("numerals.js", script.src));
    const wrong = [];
    for (const locale of locales) {
        const numerals = new Numerals(locale);
        for (const figure of figures) {
            const digits = (figure.split(".")[1] ?? "").length;
            const numberingSystem = "latn";
            const all = { numberingSystem, minimumFractionDigits: digits, maximumFractionDigits: digits };
            const wanted = new Intl.NumberFormat(locale, all).format(figure);
            const percents = { ...all, style: "percent", signDisplay: "exceptZero" };
            const percent = new Intl.NumberFormat(locale, percents).format(`${figure}E-2`);
            const sign = Number(figure) > 0 ? "+" : "";
            const told = [numerals.write(figure), numerals.write(`${sign}${figure}%`)];
            const isPercent = figure.length < 9;
            if (told[0] === wanted && (!isPercent || told[1] === percent)) continue;
            wrong.push([locale, figure, ...told]);
        }
    }
    return wrong;
}"""


def test_figures_read_as_the_locale_writes_them_and_lose_no_digit(page: Page) -> None:
    page.goto("/symbols/S0")
    assert page.evaluate(COMPARE, [LOCALES, FIGURES]) == []


def test_what_is_no_figure_reads_as_nothing(page: Page) -> None:
    page.goto("/symbols/S0")
    told = page.evaluate(
        """async (texts) => {
            const [script] = document.querySelectorAll("script[src$='settings_menu.js']");
            const { shown } = await import(new URL("figures.js", script.src));
            return [undefined, null, {}, NaN, ...texts].map(shown);
        }""",
        ["", "NaN", "Infinity", "1e5", "1.", "<b>1</b>", "9" * 65, "1.94B", "12K"],
    )
    assert told == [""] * 11 + ["1.94B", "12K"]


TYPED = [
    ("en", "67,123.45", ["67123.45"]),
    ("en", "67,12", []),
    ("de", "67.123,45", ["67123.45"]),
    ("de", "67123,45", ["67123.45"]),
    ("de", "67123.45", ["67123.45"]),
    ("de", "1.234", ["1.234", "1234"]),
    ("de", "0.123", ["0.123"]),
    ("de", "12.34.5", []),
    ("fr", "1 234,5", ["1234.5"]),
    ("de-CH", "1'234.5", ["1234.5"]),
    ("en-IN", "1,23,456.7", ["123456.7"]),
    ("en-IN", "123,456.7", []),
    ("ar-EG", "١٬٢٣٤٫٥", ["1234.5"]),
    ("en", "1e5", []),
    ("en", "", []),
]


def test_a_price_is_read_as_it_is_written_and_what_may_be_two_as_both() -> None:
    script = """
        const { Numerals } = await import("./page/numerals.js");
        answer = given.map(([locale, text]) => new Numerals(locale).read(text));
    """
    assert evaluate(script, [each[:2] for each in TYPED]) == [each[2] for each in TYPED]


@pytest.mark.parametrize("options", [{"locale": "ar-EG", "timezone_id": "Asia/Kolkata"}])
def test_a_page_has_one_kind_of_digits(page: Page) -> None:
    open_symbol(page)
    say_updates(page, "S0", price="67123.45000000", open="68000.10")
    expect(page.locator("[data-key=price]")).to_have_text("67,123.45")
    digits = "[...new Set(document.body.innerText.match(/\\p{Nd}/gu))].sort().join('')"
    assert page.evaluate(digits) == "0123456789"


@pytest.mark.parametrize("options", [{"locale": "de-DE"}])
def test_a_symbols_page_reads_in_the_readers_locale(page: Page) -> None:
    open_symbol(page)
    say_updates(page, "S0", price="67123.45000000", open="68000.10")
    expect(page.locator("[data-key=price]")).to_have_text("67.123,45")
    expect(page.locator("[data-key=open]")).to_have_text("68.000,10")
    expect(page.locator("[data-key=percent]")).to_have_text("-1,29\N{NO-BREAK SPACE}%")
    expect(page.locator("[data-key=percent]")).to_have_attribute("data-sign", "down")
    expect(page).to_have_title(re.compile(r"^67\.123,45 "))


INDIA = {"timezone_id": "Asia/Kolkata"}


@pytest.mark.parametrize("options", [INDIA])
def test_times_are_local_or_utc_everywhere_on_the_page(page: Page) -> None:
    open_symbol(page)
    say_updates(page, "S0", event_time=1_700_000_000_000)
    time = page.locator(".time")
    expect(time).to_contain_text("03:43:20 UTC+5:30")
    page.get_by_text("Settings").click()
    page.get_by_label("UTC", exact=True).check()
    expect(time).to_contain_text("22:13:20 UTC")
    button = page.locator("button[data-zone=utc]")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.locator("button[data-zone=local]").click()
    expect(time).to_contain_text("03:43:20 UTC+5:30")
    expect(page.get_by_label("Local", exact=True)).to_be_checked()


def test_settings_are_kept_and_reach_other_tabs(page: Page) -> None:
    open_symbol(page)
    page.locator("#settings summary").click()
    page.get_by_label("Dark").check()
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    open_symbol(page)
    expect(root).to_have_attribute("data-theme", "dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(14, 17, 22)"
    page.evaluate(
        """() => {
            localStorage.settings = JSON.stringify({ theme: "light", density: "no such", zone: 7 });
            dispatchEvent(new StorageEvent("storage", { key: "settings" }));
        }"""
    )
    expect(root).to_have_attribute("data-theme", "light")
    expect(root).to_have_attribute("data-density", "cosy")


def test_an_address_may_name_a_setting(page: Page) -> None:
    open_symbol(page, "?theme=dark&density=none")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    expect(root).to_have_attribute("data-density", "cosy")
    page.locator("#settings summary").click()
    page.get_by_label("Light").check()
    assert "theme=light" in page.url


@pytest.mark.parametrize(
    "kept", long_after(2, ["7", "null", "[]", "{", '"x"', '{"theme":{"a":1}}'])
)
def test_whatever_is_kept_the_page_lives(page: Page, kept: str) -> None:
    page.add_init_script(f"localStorage.settings = localStorage.chart = {kept!r};")
    open_symbol(page)
    say_updates(page, "S0", price="2.5")
    expect(page.locator("[data-key=price]")).to_have_text("2.5")


def test_without_a_storage_settings_last_as_long_as_the_page(page: Page) -> None:
    page.add_init_script(
        "Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('none'); } });"
    )
    open_symbol(page)
    page.locator("#settings summary").click()
    page.get_by_label("Dark").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_menu_is_worked_by_keys(page: Page) -> None:
    open_symbol(page)
    summary = page.locator("#settings summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="As the device")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.get_by_role("group", name="Theme")).to_be_visible()
    page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    expect(page.get_by_role("group", name="Theme")).to_be_hidden()
    summary.click()
    page.locator("h1").click()
    expect(page.get_by_role("group", name="Theme")).to_be_hidden()


def test_what_is_printed_says_as_of_when_it_is(page: Page) -> None:
    open_symbol(page)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    said = page.evaluate("getComputedStyle(document.querySelector('main'), '::before').content")
    assert re.search(
        r'"As of " ?"?\d+ \w+ \d{4}, [\d:]{8} UTC|As of \d+ \w+ \d{4}, [\d:]{8} UTC', said
    )
    expect(page.locator("#settings")).to_be_hidden()
