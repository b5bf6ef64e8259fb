"""The snippets that a page shows: each is taken from its dialog and run, or read as its program reads it."""

import csv
import io
import re
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import plain_http
from tests.browser import WAIT
from tests.processes import WAIT_SECONDS, Gunicorn, Process
from tests.serving import serve

PRICES = {"BTCUSDT": "1", "ETHUSDT": "2"}


@pytest.fixture(scope="module")
def url(quiet_relay: Gunicorn) -> str:
    return quiet_relay.url


@pytest.fixture(scope="module")
def snippets(browser: Browser, quiet_relay: Gunicorn) -> dict[str, str]:
    """All of the market page, by kind."""
    context = browser.new_context(base_url=quiet_relay.url)
    page = context.new_page()
    open_dialog(page, "/")
    kinds = page.locator("#snippets .choice button")
    texts = {}
    for number in range(kinds.count()):
        kinds.nth(number).click()
        key = kinds.nth(number).get_attribute("data-kind")
        assert key is not None
        texts[key] = page.locator("#snippets code").evaluate("(code) => code.textContent")
    context.close()
    return texts


def open_dialog(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_role("button", name="Code").click(timeout=WAIT)
    expect(page.locator("#snippets code")).not_to_be_empty()


def test_a_symbols_page_names_its_symbol_and_the_market_ten_at_most(
    page: Page, quiet_relay: Gunicorn
) -> None:
    open_dialog(page, "/symbols/ETHUSDT")
    code = page.locator("#snippets code")
    expect(code).to_contain_text(f"curl -N '{quiet_relay.url}/events?symbols=ETHUSDT'")
    told = page.evaluate(
        """async () => {
            const { SnippetDialog } = await import("/static/snippets/snippet_dialog.js");
            const many = Array.from({ length: 12 }, (_, index) => `S${index}`);
            SnippetDialog.only.open(many);
            return document.querySelector("#snippets code").textContent;
        }"""
    )
    assert "S9'" in told
    assert "S10" not in told
    expect(page.locator("#snippets [data-role=named]")).to_contain_text("first 10 of the 12")


def test_curl(snippets: dict[str, str]) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    stream, answer = snippets["curl"].splitlines()
    with Process(["bash", "-c", f"exec {stream} -s"]) as running:
        running.wait_for_line(r'^data: \{"symbol":"BTCUSDT","price":"1"\}')
    with Process(["bash", "-c", f"exec {answer} -s"]) as running:
        running.wait_for_line(r'"BTCUSDT":"1"')


def test_python(snippets: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "prices.py"
    script.write_text(snippets["python"])
    with Process([sys.executable, "-I", str(script)]) as running:
        # A price alone does not say that it is an old one.
        running.wait_for_line("^# live$")
        for symbol, price in PRICES.items():
            running.wait_for_line(rf"^{symbol} {price}$")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """Another site, which serves `tmp_path`."""
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serve(server)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_javascript_and_a_frame_on_another_site(
    context: BrowserContext, snippets: dict[str, str], tmp_path: Path, elsewhere: str
) -> None:
    (tmp_path / "index.html").write_text(snippets["javascript"])
    (tmp_path / "frame.html").write_text(snippets["frame"])
    page = context.new_page()
    with page.expect_console_message(lambda said: said.text == "ETHUSDT 2", timeout=WAIT):
        page.goto(f"{elsewhere}/index.html")
    expect(page).to_have_title(re.compile("^live"), timeout=WAIT)
    page.goto(f"{elsewhere}/frame.html")
    expect(page.frame_locator("iframe").locator("#state")).to_have_text("live", timeout=WAIT)


def test_sheets_excel_and_power_query_find_what_they_ask_for(
    snippets: dict[str, str], url: str
) -> None:
    [address] = re.findall(r'^=IMPORTDATA\("([^"]+)", ",", "en_US"\)$', snippets["sheets"], re.M)
    rows = list(csv.reader(io.StringIO(get(address))))
    assert [row[:2] for row in rows[1:]] == [list(pair) for pair in PRICES.items()]
    cells = re.findall(r'^=NUMBERVALUE\(WEBSERVICE\("([^"]+)"\), "\."\)$', snippets["excel"], re.M)
    assert [get(cell) for cell in cells] == list(PRICES.values())
    query = re.search(
        r'Web\.Contents\("([^"]+)", \[RelativePath = "([^"]+)", Query = \[symbols = "([^"]+)"\]\]\)',
        snippets["query"],
    )
    assert query is not None
    assert query[1] == url
    assert get(f"{query[1]}/{query[2]}?symbols={query[3]}") == get(address)


def get(address: str) -> str:
    answer = plain_http.get(address, timeout=WAIT_SECONDS)
    assert answer.status_code == 200
    return answer.text


def test_copies_also_without_a_clipboard(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_dialog(page, "/symbols/ETHUSDT")
    said = page.locator("#snippets [role=status]")
    page.get_by_role("button", name="Copy").click()
    expect(said).to_have_text("Copied.")
    text = page.locator("#snippets code").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.locator("[data-kind=python]").click()
    expect(said).to_have_text("")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy").click()
    expect(said).to_have_text("Copied.")
    assert page.evaluate("String(getSelection())").startswith("import http.client")
