"""The examples, each as it stands in examples/, with a real relay."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT
from tests.node import NPM, bundle, node
from tests.processes import ROOT, Gunicorn
from tests.scripted import ScriptedExchange

EXAMPLES = ROOT / "examples"
#: The relay that the examples ask unless they are told of another one.
THEIRS = "http://localhost:3001"
#: What a developer makes of the hook.
APP = f"""
import {{ createElement, useState }} from "react";
import {{ createRoot }} from "react-dom/client";
import {{ usePrices }} from {str(EXAMPLES / "usePrices.js")!r};

function App() {{
  const [symbols, choose] = useState(["BTCUSDT"]);
  const {{ tickers, status }} = usePrices(symbols);
  const said = symbols.map((symbol) => `${{symbol}} ${{tickers.get(symbol)?.price}}`).join(" ");
  return createElement("button", {{ onClick: () => choose(["ETHUSDT"]) }}, said, " ", status?.state);
}}
createRoot(document.getElementById("app")).render(createElement(App));
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def relay(exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    with Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600") as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(WAIT)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert wrong == []


def open_file(page: Page, path: Path, html: str, relay: Gunicorn) -> None:
    """Opens a developer's file, which asks our relay instead of theirs."""
    path.write_text(html.replace(THEIRS, f"http://127.0.0.1:{relay.port}"))
    page.goto(path.as_uri())


def test_a_plain_page_shows_a_price_and_says_how_it_is(
    page: Page, relay: Gunicorn, exchange: ScriptedExchange, tmp_path: Path
) -> None:
    open_file(page, tmp_path / "page.html", (EXAMPLES / "page.html").read_text(), relay)
    expect(page.locator("#state")).to_contain_text("live")
    exchange.tick(BTCUSDT="67123.45")
    expect(page.locator("#price")).to_have_text("67123.45")


def test_the_react_hook_has_fifteen_lines_and_follows_what_its_component_wants(
    page: Page, relay: Gunicorn, exchange: ScriptedExchange, tmp_path: Path
) -> None:
    code = (EXAMPLES / "usePrices.js").read_text().splitlines()
    assert len([line for line in code if line and not line.startswith("//")]) <= 15
    script = bundle(APP, NODE_PATH=str(NPM / "node_modules"))
    html = f'<div id="app"></div><script type="module">{script}</script>'
    open_file(page, tmp_path / "app.html", html, relay)
    exchange.tick(BTCUSDT="5", ETHUSDT="7")
    button = page.locator("button")
    expect(button).to_have_text("BTCUSDT 5 live")
    button.click()
    expect(button).to_have_text("ETHUSDT 7 live")
    exchange.tick(ETHUSDT="8")
    expect(button).to_have_text("ETHUSDT 8 live")


@pytest.fixture
def script(relay: Gunicorn) -> Iterator["Script"]:
    script = Script(f"http://127.0.0.1:{relay.port}/events", "btcusdt", "ETHUSDT")
    yield script
    script.end()


class Script:
    """examples/prices.mjs while it runs."""

    def __init__(self, url: str, *symbols: str) -> None:
        self.process = subprocess.Popen(
            [node(), str(EXAMPLES / "prices.mjs"), *symbols],
            env=os.environ | {"RELAY": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_the_node_script_prints_prices_until_it_is_interrupted(
    script: Script, exchange: ScriptedExchange
) -> None:
    assert {script.line().split()[0], script.line().split()[0]} == {"BTCUSDT", "ETHUSDT"}
    exchange.tick(BTCUSDT="67124")
    assert script.line() == "BTCUSDT 67124"
    script.process.send_signal(signal.SIGINT)
    assert script.process.wait(WAIT / 1000) == 0


def test_the_node_script_ends_with_the_relays_sentence_where_it_is_refused(relay: Gunicorn) -> None:
    script = Script(f"http://127.0.0.1:{relay.port}/events", "NO-SYMBOL")
    _, said = script.process.communicate(timeout=WAIT / 1000)
    assert script.process.returncode == 1
    assert "refused" in said
    assert "NO-SYMBOL" in said
