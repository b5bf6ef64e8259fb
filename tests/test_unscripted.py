"""What a page says while no script keeps it up to date: as of when, and never that anything is live."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from relay.ticker import Ticker
from tests.browser import WAIT
from tests.long import long_after
from tests.processes import Gunicorn, wait_until
from tests.scribe import DAY, Scribe, now

AS_OF = re.compile(r"^\s*as of\s+\d\d:\d\d:\d\d UTC\s*$")
PATHS = ["/", "/?all", "/symbols/S1USDT"]
SYMBOLS = 130


@pytest.fixture(scope="module")
def url(worker: Gunicorn, scribe: Scribe) -> str:
    """A market of more symbols than the first paint has; the busiest last."""
    scribe.start_anew()
    day = [DAY | {"quote_volume": str(1000 * number)} for number in range(SYMBOLS)]
    scribe.write(
        *(Ticker(f"S{n}USDT", "1", "trade", now(), now(), **day[n]) for n in range(SYMBOLS))
    )
    wait_until(lambda: worker.ready()["symbols"] == SYMBOLS, "all symbols")
    wait_until(lambda: "S129USDT" in worker.http.get("/").text, "the rows to be rendered anew")
    return worker.url


@pytest.fixture
def plain(browser: Browser, url: str) -> Iterator[Page]:
    """A page of a browser without JavaScript."""
    context = browser.new_context(base_url=url, java_script_enabled=False)
    context.set_default_timeout(WAIT)
    yield context.new_page()
    context.close()


def says_as_of(page: Page) -> None:
    expect(page.locator("#banner p").first).to_have_text(AS_OF)
    expect(page.locator("#age")).to_have_text(re.compile(r"newest price then \d+ s old"))
    assert page.locator("html").get_attribute("data-state") == "asof"
    assert not re.search(r"\blive\b|\bago\b", page.locator("header").inner_text(), re.IGNORECASE)
    assert re.fullmatch(r"[A-Za-z0-9/ ]+ · Relay", page.title())


@pytest.mark.parametrize("path", long_after(1, PATHS))
def test_without_javascript_a_page_says_as_of_when_it_is(plain: Page, path: str) -> None:
    plain.goto(path)
    says_as_of(plain)
    # Chromium shows this where a person turned JavaScript off, not where a test did.
    assert "Without JavaScript nothing here moves" in plain.content()


@pytest.mark.parametrize("path", long_after(1, PATHS))
def test_its_link_loads_it_again(plain: Page, path: str) -> None:
    plain.goto(path)
    before = plain.url
    with plain.expect_navigation():
        plain.get_by_role("link", name="Reload", exact=True).click()
    assert plain.url == before
    says_as_of(plain)


@pytest.mark.parametrize("width", long_after(1, [320, 800, 1280, 1920]))
def test_the_heads_of_the_whole_table_never_cover_its_first_row(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/?all")
    head, row = (page.locator(part).bounding_box() for part in ("thead", "tbody tr:first-child"))
    assert head
    assert row
    assert row["y"] == pytest.approx(head["y"] + head["height"], abs=1)


@pytest.mark.parametrize("path", long_after(1, ["/", "/symbols/S1USDT"]))
@pytest.mark.parametrize("how", long_after(1, ["blocked", "missing", "broken"]))
def test_a_script_that_fails_to_load_leaves_the_page_as_of_when_it_was(
    context: BrowserContext, path: str, how: str
) -> None:
    """One file of many: the others load, and must not begin."""
    page = context.new_page()

    def fail(route: Route) -> None:
        if how == "blocked":
            route.abort()
        elif how == "missing":
            route.fulfill(status=404, json={"error": "gone"})
        else:
            route.fulfill(body="import {", content_type="text/javascript")

    page.route(re.compile(r"/static/.*(relay|prices)\.js$"), fail)
    page.goto(path, wait_until="load")
    says_as_of(page)
    expect(page.get_by_role("link", name="Reload", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", long_after(1, ["/", "/symbols/S1USDT"]))
def test_once_the_stream_has_spoken_the_page_says_how_prices_are(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("data-state", "live", timeout=WAIT)
    expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("#age")).to_have_text(re.compile(r"newest price \d+ (s|min \d\d s) ago"))
    expect(page.get_by_role("link", name="Reload", exact=True)).to_be_hidden()


def symbols(page: Page) -> list[str]:
    rows = page.locator("#market tbody tr")
    found: list[str] = rows.evaluate_all("rows => rows.map((row) => row.dataset.symbol)")
    return found


def test_the_first_paint_has_the_most_traded_and_a_link_to_all(plain: Page) -> None:
    plain.goto("/")
    assert symbols(plain) == [f"S{n}USDT" for n in range(SYMBOLS - 1, SYMBOLS - 61, -1)]
    plain.get_by_role("link", name="See all in one table").click()
    assert symbols(plain) == [f"S{n}USDT" for n in range(SYMBOLS - 1, -1, -1)]
    expect(plain.get_by_role("link", name="See all in one table")).to_have_count(0)
    assert plain.locator("script[src*=market]").count() == 0


def test_the_script_brings_the_symbols_that_the_first_paint_left_out(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#count")).to_contain_text(f"{SYMBOLS} symbols", timeout=WAIT)
    expect(page.get_by_role("link", name="See all in one table")).to_be_hidden()


def test_nothing_on_a_page_is_waited_for_that_only_a_script_names(page: Page) -> None:
    """Each module is in the HTML: none is found out by loading another one."""
    page.goto("/symbols/S1USDT")
    expect(page.locator("html")).to_have_attribute("data-state", "live", timeout=WAIT)
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)"
    )
    html = page.request.get("/symbols/S1USDT").text()
    scripts = {path for path in loaded if path.startswith("/static/") and path.endswith(".js")}
    assert len(scripts) > 10
    # The coin's name may come later than the price.
    assert {path for path in scripts if path not in html} <= {
        path for path in scripts if path.endswith("/market/names.js")
    }
    assert len([path for path in loaded if path in scripts]) == len(scripts)
