"""Price alerts in a real Chromium: made in a dialog, kept in the browser, told of once."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.node import evaluate
from tests.processes import Gunicorn, wait_until
from tests.spoken import Bodies, json_of, open_browser_page, say_status, say_updates

#: Milliseconds after which a hidden page wants less.
HIDDEN = 31_000
MAX_ALERTS = 50
RUBBISH = [
    "", "null", "1", "[]", "{}", "{", '"x"', '{"id":{}}', '{"id":"a-b","symbol":"S0","way":"above"}',
    '{"id":"a-b","symbol":"<b>","way":"above","price":"1"}',
    '{"id":"a-b","symbol":"S0","way":"up","price":"1"}',
    '{"id":"a-b","symbol":"S0","way":"above","price":"1e9"}',
    '{"id":"other-id","symbol":"S0","way":"above","price":"1"}', "x" * 10_000,
]  # fmt: skip
NOTIFICATION = """
globalThis.asked = 0;
globalThis.notified = [];
globalThis.Notification = class {
  static requestPermission() { asked += 1; return Promise.resolve(globalThis.answer ?? "granted"); }
  constructor(title, options) { notified.push([title, options.body]); }
};
"""


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    """A symbol's page that must not complain."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    page.set_default_timeout(WAIT)
    page.add_init_script(NOTIFICATION)
    yield page
    page.context.close()
    assert wrong == []


def open_symbol(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    expect(page.locator("#alerts-button")).to_be_visible()


def add(
    page: Page, price: str, way: str = "above", symbol: str = "S0", notify: bool = False
) -> None:
    dialog = page.locator("#alerts")
    if not dialog.is_visible():
        page.click("#alerts-button")
    dialog.get_by_label("Symbol").fill(symbol)
    dialog.get_by_label("Goes").select_option(way)
    dialog.get_by_label("Price").fill(price)
    if notify:
        dialog.get_by_label("Notification").check()
    dialog.get_by_role("button", name="Add alert").click()


def lines(page: Page) -> list[str]:
    return page.locator("#alerts li").all_inner_texts()


DECIMALS = [
    ("1", "1.000", 0), ("01", "1", 0), ("0", "0.0000", 0), ("2", "10", -1), ("10", "9.99999999", 1),
    ("0.1", "0.09", 1), ("0.30000000000000004", "0.3", 1), ("9007199254740993", "9007199254740992", 1),
    ("1.5", "1.49999999", 1), ("0.00000866", "0.0000086600", 0), ("123.456", "123.4560001", -1),
    ("9" * 24 + ".1", "9" * 24 + ".2", -1),
]  # fmt: skip


def test_a_price_is_taken_as_the_page_shows_it_and_asked_for_where_it_may_be_two(
    browser: Browser, bodies: Bodies
) -> None:
    page = open_browser_page(browser, bodies, [], locale="de-DE")
    open_symbol(page)
    add(page, "1.234")
    said = page.locator("#alerts [role=status]")
    expect(said).to_have_text("“1.234” can mean 1,234 or 1234: write it like that.")
    assert lines(page) == []
    add(page, "1.234,5")
    expect(said).to_have_text("Waiting for S0 at or above 1.234,5.")
    page.context.close()


def test_decimals_are_compared_digit_by_digit() -> None:
    script = """
        const { compare, isDecimal } = await import("./alerts/decimal.js");
        const signs = [compare, (one, other) => compare(other, one)];
        answer = [given.map(([one, other]) => signs.map((compared) => Math.sign(compared(one, other)))),
            ["", "1.", ".5", "-1", "1e5", "1,5", " 1", 1, null, "9".repeat(25)].filter(isDecimal)];
    """
    told, accepted = evaluate(script, DECIMALS)
    assert told == [[sign, -sign] for _, _, sign in DECIMALS]
    assert accepted == []


def test_an_alert_goes_off_once_and_again_when_it_is_armed_again(page: Page) -> None:
    open_symbol(page)
    add(page, "67000.10")
    expect(page.locator("#alerts-button")).to_have_text("Alerts (1)")
    say_updates(page, "S0", price="67000.0999")
    notices, said = page.locator("#alerts-fired p"), page.locator("#alerts [role=status]")
    expect(notices).to_have_count(0)
    expect(said).to_have_text("Waiting for S0 at or above 67,000.1.")
    say_updates(page, "S0", price="67000.1000")
    expect(notices).to_have_count(1)
    expect(said).to_be_empty()
    expect(notices).to_have_text(
        re.compile(r"^S0 at or above 67,000\.1\. 67,000\.1 at \d\d:\d\d:\d\d\. Dismiss$")
    )
    expect(page.locator("#alerts-button")).to_have_text("Alerts")
    say_updates(page, "S0", price="68000")
    expect(page.locator("[data-key=price]")).to_have_text("68,000")
    expect(notices).to_have_count(1)
    say_updates(page, "S0", price="1")
    page.get_by_role("button", name="Arm again").click()
    expect(page.locator("#alerts-button")).to_have_text("Alerts (1)")
    say_updates(page, "S0", price="67001")
    expect(notices).to_have_count(2)
    page.click("#alerts [data-role=close]")
    notices.first.get_by_role("button").click()
    expect(notices).to_have_count(1)


def test_a_price_that_is_stale_sets_nothing_off_until_it_is_fresh_again(page: Page) -> None:
    open_symbol(page)
    say_updates(page, "S0", price="4")
    say_status(page, "none", age=70, state="stale")
    expect(page.locator("#state")).to_have_text("stale")
    add(page, "5", way="below")
    expect(page.locator("#alerts-button")).to_have_text("Alerts (1)")
    page.clock.run_for(1_100)
    assert page.locator("#alerts-fired p").count() == 0
    say_status(page, "none", simulated=True)
    expect(page.locator("#alerts-fired p")).to_contain_text("SIMULATED: S0 at or below 5. 4 at")


def test_it_notifies_where_somebody_allowed_that_by_a_click(page: Page) -> None:
    open_symbol(page)
    assert json_of(page, "asked") == 0
    add(page, "10", notify=True)
    assert json_of(page, "asked") == 1
    say_updates(page, "S0", price="11")
    expect(page.locator("#alerts-fired p")).to_have_count(1)
    [[title, body]] = json_of(page, "notified")
    assert title == "S0 at or above 10"
    assert re.fullmatch(r"11 at \d\d:\d\d:\d\d", body)
    page.evaluate("answer = 'denied'")
    box = page.get_by_label("Notification")
    box.uncheck()
    box.click()
    expect(page.locator("#alerts [role=status]")).to_contain_text("does not allow notifications")
    expect(box).not_to_be_checked()


def test_what_can_be_no_alert_is_refused_in_words(page: Page) -> None:
    open_symbol(page)
    said = page.locator("#alerts [role=status]")
    for price in ("67,00", "1e5", "-1", "0", "0.00"):
        add(page, price)
        expect(said).to_contain_text("A price is written as")
    add(page, "1.5", symbol="<b>")
    expect(said).to_contain_text("no symbol")
    assert lines(page) == []


def test_junk_in_the_storage_is_harmless_and_alerts_are_bounded(page: Page) -> None:
    open_symbol(page)
    page.evaluate(
        """([rubbish, number]) => {
            rubbish.forEach((text, index) => localStorage.setItem(`alert.${index}`, text));
            localStorage.setItem("alert.a-b", rubbish[4]);
            for (let index = 0; index < number; index += 1) {
                const id = `${(1000 + index).toString(36)}-x`;
                const alert = { id, symbol: "S0", way: "above", price: "999", fired: index % 2 ? {} : null };
                localStorage.setItem(`alert.${id}`, JSON.stringify(alert));
            }
        }""",
        [RUBBISH, MAX_ALERTS + 9],
    )
    page.reload()
    say_status(page, "none")
    expect(page.locator("#alerts-button")).to_have_text(f"Alerts ({MAX_ALERTS // 2})")
    add(page, "5")
    expect(page.locator("#alerts [role=status]")).to_contain_text(f"There are {MAX_ALERTS} alerts")
    assert len(lines(page)) == MAX_ALERTS


def test_without_a_storage_alerts_live_as_long_as_the_page(page: Page) -> None:
    page.add_init_script(
        "Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('no'); } });"
    )
    open_symbol(page)
    add(page, "10")
    say_updates(page, "S0", price="11")
    expect(page.locator("#alerts-fired p")).to_have_count(1)
    assert "went off" in lines(page)[0]


def test_a_hidden_page_with_an_alert_goes_on_at_a_low_rate(page: Page) -> None:
    open_symbol(page)
    add(page, "10", symbol="S3")
    page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { value: true, configurable: true });
            Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    page.clock.fast_forward(HIDDEN)
    low = "sources.at(-1).url.includes('rate=0.2') && sources.at(-1).readyState === 1"
    wait_until(lambda: bool(page.evaluate(low)), "a stream at the low rate")
    assert "S3" in page.evaluate("sources.at(-1).url")
    say_status(page, "full")
    say_updates(page, "S3", price="11")
    expect(page.locator("#alerts-fired p")).to_have_count(1)


def test_of_several_tabs_one_tells(browser: Browser, quiet_relay: Gunicorn) -> None:
    context = browser.new_context(base_url=quiet_relay.url)
    context.set_default_timeout(WAIT)
    pages = [context.new_page() for _ in range(3)]
    for page, path in zip(pages, ("/symbols/BTCUSDT", "/", "/symbols/ETHUSDT"), strict=True):
        page.goto(path)
        expect(page.locator("#state")).to_have_text("live", timeout=WAIT)
    add(pages[0], "0.5", symbol="BTCUSDT")
    for page in pages:
        page.click("#alerts-button") if page is not pages[0] else None
        expect(page.locator("#alerts li")).to_contain_text("went off: 1 at")
    assert sum(page.locator("#alerts-fired p").count() for page in pages) == 1
    pages[1].get_by_role("button", name="Delete").click()
    for page in pages:
        expect(page.locator("#alerts li")).to_have_count(0)
    context.close()
