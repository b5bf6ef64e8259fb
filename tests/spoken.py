"""Pages of the application in process; EventSource and /api/history are spoken by the test itself."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, Request, Route

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.scribe import DAY, now

URL = "http://relay.example"
SYMBOLS = [f"S{number}" for number in range(6)]
#: When the relay read what the pages are rendered from; milliseconds since 1970.
READ = now()
EVENT_SOURCE = """
globalThis.sources = [];
globalThis.EventSource = class extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  readyState = 1;
  constructor(url) {
    super();
    this.url = String(url);
    sources.push(this);
  }
  close() {
    this.readyState = 2;
  }
};
globalThis.sockets = [];
globalThis.WebSocket = class {
  constructor(url) {
    this.url = String(url);
    sockets.push(this);
  }
  close() {
    this.isClosed = true;
  }
};
globalThis.opened = () => sources.filter(({ readyState }) => readyState !== 2);
globalThis.say = ([name, data, id]) => {
  // Who was told nothing for long may be waiting to try again.
  if (!opened().length) dispatchEvent(new Event("online"));
  opened().at(-1).dispatchEvent(
    new MessageEvent(name, { data: JSON.stringify(data), lastEventId: id }));
};
globalThis.cut = () => {
  sources.at(-1).readyState = 0;
  sources.at(-1).onerror();
};
"""


class Bodies:
    """What the application answers, by path."""

    def __init__(self, tickers: list[Ticker] | None = None) -> None:
        """`tickers`: what it knows, instead of SYMBOLS at 1."""
        hub = Hub(Health())
        if tickers is None:
            tickers = [Ticker(symbol, "1", "trade", READ, READ, **DAY) for symbol in SYMBOLS]
        feed = FeedStatus("live", time=READ, age=0.0)
        hub.take(Batch("e1", 0, len(tickers), feed, tickers))
        self._client = create_site(hub, Config(_env_file=None), nothing_past()).test_client()
        self._answers = {"/": self._ask("/")}

    def answer(self, route: Route) -> None:
        """Answers a request of a page, but for a poll; one for what is not there with 404."""
        url = urlsplit(route.request.url)
        if url.path == "/api/prices":
            return
        if url.path.endswith("/events"):
            # Whoever polls looks whether there is a stream; a test speaks it itself.
            route.fulfill(status=200, body="", content_type="text/event-stream")
            return
        path = f"{url.path}?{url.query}" if url.query else url.path
        if (
            path.startswith(("/symbols/", "/static/", "/embed/", "/selftest", "/?"))
            and path not in self._answers
        ):
            self._answers[path] = self._ask(path)
        if path in self._answers:
            status, body, headers = self._answers[path]
            route.fulfill(status=status, body=body, headers=headers)
        else:
            route.fulfill(status=404, json={"error": f"nothing at {path}"})

    def _ask(self, path: str) -> tuple[int, str, dict[str, str]]:
        accept = {"Accept": "text/html"} if path.startswith("/symbols/") else {}
        answer = self._client.get(path, headers=accept)
        kept = ("Content-Type", "Content-Security-Policy")
        headers = {name: answer.headers[name] for name in kept if name in answer.headers}
        return answer.status_code, answer.text, headers


#: What the rows of an answer hold.
FIELDS = [
    *("time", "open", "high", "low", "close"),
    *("volume", "quote_volume", "trades", "updates", "source"),
]


class History:
    """The answers of /api/history/<symbol>, as a test says them."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        #: What to answer, by the question's parameters; None to let it wait.
        self.answer: Callable[[dict[str, str]], dict[str, Any] | int | None] = lambda _: 503
        self._waiting: list[Route] = []

    def take(self, route: Route) -> None:
        asked = parameters(route.request)
        self.asked.append(asked)
        answer = self.answer(asked)
        if answer is None:
            self._waiting.append(route)
        else:
            self._fulfill(route, answer)

    def release(self, answer: dict[str, Any] | int) -> None:
        """Answers what waits."""
        for route in self._waiting:
            self._fulfill(route, answer)
        self._waiting.clear()

    def _fulfill(self, route: Route, answer: dict[str, Any] | int) -> None:
        if isinstance(answer, int):
            route.fulfill(status=answer, json={"error": "no history today"})
        else:
            route.fulfill(json=answer)


def parameters(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}


def open_browser_page(browser: Browser, bodies: Bodies, wrong: list[str], **options: Any) -> Page:
    """A page that notes in `wrong` what it complains of."""
    context = browser.new_context(base_url=URL, **options)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: wrong.append(message.text) if "Security" in message.text else None,
    )
    page.route("**/*", bodies.answer)
    page.add_init_script(EVENT_SOURCE)
    page.clock.install(time=READ / 1000)
    return page


@contextmanager
def polled_page(browser: Browser, bodies: Bodies, polls: list[Route]) -> Iterator[Page]:
    """A page that must not complain, and whose polls wait in `polls` for an answer."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)

    def keep(route: Route) -> None:
        polls.append(route)

    page.route("**/api/prices?*", keep)
    yield page
    page.context.close()
    assert wrong == []


def say(page: Page, name: str, data: object, resume_id: str = "") -> None:
    page.evaluate("say", [name, data, resume_id])


def say_status(
    page: Page, mode: str, age: float = 0.0, state: str = "live", simulated: bool = False
) -> None:
    feed = {"state": state, "simulated": simulated, "age": age, "source": "", "reason": ""}
    time = page.evaluate("Date.now()")
    said = {"event": "status", "time": time, "heartbeat": 12.0, "mode": mode, **feed}
    say(page, "status", {**said, "latency": None, "standbys": 0})


SHOW = """async (status) => {
    const newest = setTimeout(() => {});
    for (let timer = newest; timer > newest - 1000; timer -= 1) {
        try {
            clearTimeout(timer);
        } catch {
            // A frame that was asked for.
        }
    }
    const [script] = document.querySelectorAll("script[src$='settings_menu.js']");
    const { show } = await import(new URL("banner.js", script.src));
    show({ age: 0, reason: "", simulated: false, latency: null, standbys: 0, ...status });
}"""


def show_status(page: Page, **status: object) -> None:
    """Has the banner show a status, and nothing after it: the client's timers end."""
    page.evaluate(SHOW, status)


def say_updates(page: Page, *symbols: str, price: str = "2", **more: object) -> None:
    """One array; the last of its updates has the id to resume from too, as on a WebSocket."""
    read = page.evaluate("Date.now()")
    updates: list[dict[str, object]] = [
        {"symbol": symbol, "price": price, "stream": "trade", "received_time": read} | DAY | more
        for symbol in symbols
    ]
    updates[-1]["id"] = "e1-7"
    say(page, "message", updates, "e1-7")


CLIENT = """async (options) => {
    const { Prices } = await import("/static/relay/prices.js");
    globalThis.relay = new Prices(options);
    globalThis.told = [];
    relay.onstatus = ({ state, reason }) => {
        const text = reason ? `${state}, ${reason}` : state;
        if (told.at(-1) !== text) told.push(text);
    };
    globalThis.price = (symbol) => relay.tickers.get(symbol)?.price;
}"""


def open_client(page: Page, **options: object) -> None:
    """An empty page with a client, `relay`, and what it has told of its status, `told`."""
    page.route("**/blank", lambda route: route.fulfill(body="<title>", content_type="text/html"))
    page.goto("/blank")
    page.clock.pause_at(READ / 1000 + 60)
    page.evaluate(CLIENT, options)


def json_of(page: Page, expression: str) -> Any:
    return json.loads(page.evaluate(f"JSON.stringify({expression} ?? null)"))
