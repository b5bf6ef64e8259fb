"""A few prices in a frame: what the server says, and what becomes of it in a real Chromium."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.web.embed import MAX_SYMBOLS
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.browser import WAIT
from tests.long import long_after
from tests.processes import Gunicorn, wait_until
from tests.scribe import now
from tests.serving import serve
from tests.spoken import Bodies, open_browser_page, say, say_status, say_updates


@pytest.fixture
def hub() -> Hub:
    return Hub(Health())


@pytest.fixture
def client(hub: Hub) -> FlaskClient:
    return create_site(hub, Config(_env_file=None), nothing_past()).test_client()


def take(hub: Hub, *symbols: str, simulated: bool = False) -> None:
    live = FeedStatus("live", simulated=simulated, time=now(), age=0.0)
    tickers = [Ticker(symbol, "67123.45", "trade", now(), now()) for symbol in symbols]
    hub.take(Batch("e1", 0, len(tickers), live, tickers))


def test_any_site_may_frame_it_and_no_other_page(hub: Hub, client: FlaskClient) -> None:
    take(hub, "BTCUSDT")
    assert "frame-ancestors *" in client.get("/embed/BTCUSDT").headers["Content-Security-Policy"]
    assert "frame-ancestors *" in client.get("/embed/NOPE").headers["Content-Security-Policy"]
    for path in ("/?wall", "/symbols/BTCUSDT"):
        policy = client.get(path).headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy


def test_a_setting_says_who_may_frame_it(hub: Hub) -> None:
    config = Config(_env_file=None, embed_ancestors="https://shop.example")
    take(hub, "BTCUSDT")
    answer = create_site(hub, config, nothing_past()).test_client().get("/embed/BTCUSDT")
    assert "frame-ancestors https://shop.example" in answer.headers["Content-Security-Policy"]


def test_symbols_stand_in_the_order_in_which_they_are_named(hub: Hub, client: FlaskClient) -> None:
    take(hub, "A", "B", "币安USDT")
    answer = client.get("/embed/b,币安usdt,NOPE,a,B?theme=dark")
    assert answer.status_code == 200
    assert re.findall(r'<li data-symbol="([^"]+)"', answer.text) == ["B", "币安USDT", "NOPE", "A"]
    assert 'data-theme="dark"' in answer.text
    assert 'target="_blank" rel="noopener"' in answer.text


def test_what_is_not_there_is_said_kindly_in_a_small_page(hub: Hub, client: FlaskClient) -> None:
    assert client.get("/embed/BTCUSDT").status_code == 503
    assert 'http-equiv="refresh"' in client.get("/embed/BTCUSDT").text
    take(hub, "BTCUSDT")
    many = ",".join(f"S{number}" for number in range(MAX_SYMBOLS + 1))
    for path, status in (("NOPE", 404), ("<script>", 404), ("A//B", 404), (many, 400)):
        answer = client.get(f"/embed/{path}?theme=%22%3E")
        assert answer.status_code == status, path
        assert answer.mimetype == "text/html"
        assert "See the market" in answer.text
        assert "<script>" not in answer.text
        assert len(answer.data) < 2_000


def test_no_script_no_live(hub: Hub, client: FlaskClient) -> None:
    take(hub, "BTCUSDT")
    page = client.get("/embed/BTCUSDT").text
    assert 'data-state="asof"' in page
    assert re.search(r"as of</strong> <time id=\"time\">\d\d:\d\d:\d\d UTC<", page)
    assert "live" not in page.lower()


def test_simulated_prices_are_called_so_before_any_script(hub: Hub, client: FlaskClient) -> None:
    take(hub, "BTCUSDT", simulated=True)
    assert re.search(r'id="state">simulated', client.get("/embed/BTCUSDT").text)


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def frame(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong, viewport={"width": 180, "height": 60})
    page.set_default_timeout(WAIT)
    yield page
    page.context.close()
    assert wrong == []


def test_its_state_is_true_at_each_moment(frame: Page) -> None:
    frame.goto("/embed/S0,S1?theme=dark")
    state, root = frame.locator("#state"), frame.locator("html")
    expect(state).to_have_text("as of")
    say_status(frame, "none")
    expect(state).to_have_text("live")
    say_updates(frame, "S0", price="1234.51", open="1000.00")
    line = frame.locator("[data-symbol=S0]")
    expect(line.locator("[data-part=price]")).to_have_text("1,234.51")
    expect(line.locator("[data-part=percent]")).to_have_text("+23.45%")
    say_status(frame, "none", age=70, state="stale", simulated=True)
    expect(state).to_have_text("simulated stale")
    expect(root).to_have_attribute("data-state", "stale")
    say_status(frame, "none")
    say(frame, "removed", {"event": "removed", "symbols": ["S1"]}, "e1-9")
    expect(frame.locator("[data-symbol=S1] [data-part=standing]")).to_have_text("gone")


@pytest.mark.parametrize("price", long_after(1, ["1234567.12345678", "67123.45", "0.00000866"]))
def test_nothing_is_cut_in_the_smallest_frame(frame: Page, price: str) -> None:
    frame.goto("/embed/S0")
    say_status(frame, "none", age=70, state="stale")
    say_updates(frame, "S0", price=price, open=price)
    expect(frame.locator("#state")).to_have_text("stale")
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    width, height = frame.evaluate(size)
    assert width <= 180
    assert height <= 60 or price.startswith("1234567")


@pytest.mark.parametrize("state", ["live", "stale"])
def test_names_and_times_are_whole_in_the_smallest_frame_of_several(
    frame: Page, state: str
) -> None:
    frame.set_viewport_size({"width": 180, "height": 98})
    frame.goto("/embed/S0,S1")
    say_status(frame, "none", age=70, state=state, simulated=True)
    say_updates(frame, "S0", "S1", price="67123.45", open="60000")
    expect(frame.locator("#state")).to_have_text(f"simulated {state}".removesuffix(" live"))
    cut = frame.evaluate(
        """() => {
            const names = [...document.querySelectorAll("[data-part=symbol]")];
            names[0].textContent = "BTCUSDT";
            names[1].textContent = "1000SATSUSDC";
            const rest = [...document.querySelectorAll("#feed > *, [data-part]")];
            return [...names.filter((name) => name.scrollWidth > name.clientWidth),
                ...rest.filter((part) => part.getBoundingClientRect().right > innerWidth)]
                .map((part) => part.textContent);
        }"""
    )
    assert cut == []


class _Host(BaseHTTPRequestHandler):
    """Somebody else's page, with two frames."""

    url = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        for symbol in ("BTCUSDT", "ETHUSDT"):
            self.wfile.write(f'<iframe src="{self.url}/embed/{symbol}"></iframe>'.encode())

    def log_message(self, *_: object) -> None:
        pass


def test_two_frames_of_a_page_share_one_connection(browser: Browser, quiet_relay: Gunicorn) -> None:
    handler = type("Host", (_Host,), {"url": quiet_relay.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        serve(host)
        context = browser.new_context()
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda r: asked.append(r.url) if "/events?" in r.url else None)
        page.goto(f"http://127.0.0.1:{host.server_port}/", wait_until="commit")
        for number in range(2):
            state = page.frame_locator("iframe").nth(number).locator("#state")
            expect(state).to_have_text("live", timeout=WAIT)
        wait_until(lambda: quiet_relay.ready()["clients"] == 1, "one connection to be left")
        context.close()
        host.shutdown()
    assert all("rate=1" in url for url in asked)
