"""Every page in every state, judged by axe with all rules that are no experiment, in light and dark."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.long import long_after
from tests.spoken import (
    SYMBOLS,
    Bodies,
    History,
    open_browser_page,
    say_status,
    say_updates,
    show_status,
)
from tests.test_chart import answered, open_chart

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """async (rules) => {
    const { violations } = await axe.run({ runOnly: rules });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}"""
#: What a page is looked at with: its width, and light or dark.
LOOKS = [(320, "light"), (1280, "dark"), (3840, "light")]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all, since a context costs more than what is asked of it here."""
    wrong: list[str] = []
    page = open_browser_page(browser, Bodies(), wrong)
    page.set_default_timeout(WAIT)
    history = History()
    history.answer = answered
    page.route("**/api/history/*", history.take)
    yield page
    page.context.close()
    assert wrong == []


def market(page: Page) -> None:
    page.goto("/")
    say_status(page, "none")


def symbol(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    say_updates(page, "S0", price="1234.5")


def chart(page: Page) -> None:
    open_chart(page)
    for details in page.locator("#symbol details").all():
        details.evaluate("(details) => { details.open = true; }")
    expect(page.locator("#chart tbody tr").first).to_be_visible()


def menu(page: Page) -> None:
    symbol(page)
    page.locator("#settings summary").click()


def halted(page: Page) -> None:
    page.goto("/symbols/S0")
    say_status(page, "none")
    say_updates(page, "S0", price="1234.5", status="HALT")
    expect(page.locator(".standing p:visible")).to_contain_text("HALT")


def as_rendered(page: Page) -> None:
    """Before the stream has said anything."""
    page.goto("/symbols/S0")


def nothing(page: Page) -> None:
    page.goto("/symbols/NOPE")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")


def wall(page: Page) -> None:
    page.goto("/?wall")
    say_status(page, "none")
    say_updates(page, "BTCUSDT", "ETHBTC", "S0", price="1234.5")
    expect(page.locator("#tiles li")).to_have_count(3)
    page.mouse.move(50, 50)


def wall_stale(page: Page) -> None:
    wall(page)
    say_status(page, "none", age=70, state="stale", simulated=True)
    expect(page.locator("#state")).to_contain_text("stale since")


def embed(page: Page) -> None:
    page.goto("/embed/S0,S1,NOPE")
    say_status(page, "none")
    say_updates(page, "S0", price="1234.5")
    expect(page.locator("#state")).to_have_text("live")


def alerts(page: Page) -> None:
    symbol(page)
    page.click("#alerts-button")
    dialog = page.locator("#alerts")
    for price in ("1", "99999"):
        dialog.get_by_label("Price").fill(price)
        dialog.get_by_role("button", name="Add alert").click()
    expect(page.locator("#alerts-fired p")).to_be_visible()


def snippets(page: Page) -> None:
    symbol(page)
    page.click("#snippets-button")
    page.locator("[data-kind=python]").click()


def said(path: str, state: str, reason: str, simulated: bool = False) -> Callable[[Page], None]:
    """A page whose banner says this."""

    def open_page(page: Page) -> None:
        page.goto(path)
        show_status(page, state=state, reason=reason, simulated=simulated, age=3)
        expect(page.locator("#state")).to_have_text(state)

    return open_page


def whole(page: Page) -> None:
    page.goto("/?all")
    expect(page.locator("tbody tr")).to_have_count(len(SYMBOLS))


def selftest(page: Page) -> None:
    """It has run, and nothing came; all that it can advise is to be seen."""
    page.goto("/selftest")
    expect(page.locator("#selftest")).to_have_attribute("data-state", "running")
    for _ in range(20):
        page.clock.run_for(5_000)
    expect(page.locator("#selftest")).to_have_attribute("data-state", re.compile("troubled|failed"))
    page.locator("#selftest details").evaluate_all("all => all.forEach((one) => (one.open = true))")


STATES: dict[str, Callable[[Page], None]] = {
    "market": market,
    "symbol": symbol,
    "wall": wall,
    "embed": embed,
    "whole-market": whole,
    "market-stale": said("/", "stale", "exchange: no data for 5 s"),
    "market-simulated": said("/", "simulated", "", simulated=True),
    "symbol-chart": chart,
    "symbol-menu": menu,
    "symbol-halted": halted,
    "symbol-as-rendered": as_rendered,
    "symbol-down": said("/symbols/S0", "down", "your connection: lost, trying again"),
    "symbol-paused": said("/symbols/S0", "paused", "this page is hidden"),
    "symbol-refused": said("/symbols/S0", "refused", "symbols: 600 are too many"),
    "not-found": nothing,
    "wall-stale": wall_stale,
    "alerts": alerts,
    "snippets": snippets,
    "selftest": selftest,
}


@pytest.mark.parametrize("state", long_after(4, STATES))
def test_axe_finds_nothing_and_nothing_is_cut(page: Page, state: str) -> None:
    found: list[str] = []
    page.set_viewport_size({"width": 1280, "height": 900})
    STATES[state](page)
    page.evaluate(AXE)
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{width} {scheme} {each}" for each in page.evaluate(JUDGE, RULES)]
        cut = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert cut <= 0, f"{cut} px are cut at {width}"
    assert found == []
