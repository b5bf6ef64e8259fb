"""Pages of the application in process; EventSource and /api/history are spoken by the test itself."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, Request, Route

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.web.chart_library import ChartLibrary
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.processes import ROOT
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
globalThis.say = ([name, data, id]) => sources.at(-1).dispatchEvent(
  new MessageEvent(name, { data: JSON.stringify(data), lastEventId: id }));
globalThis.cut = () => {
  sources.at(-1).readyState = 0;
  sources.at(-1).onerror();
};
"""


class Bodies:
    """What the application answers, by path."""

    def __init__(self) -> None:
        hub = Hub(Health())
        tickers = [Ticker(symbol, "1", "trade", READ, READ, **DAY) for symbol in SYMBOLS]
        feed = FeedStatus("live", time=READ, age=0.0)
        hub.take(Batch("e1", 0, len(tickers), feed, tickers))
        self._client = create_site(hub, Config(_env_file=None), nothing_past()).test_client()
        static = ROOT / "static"
        files = [f"/static/{file.relative_to(static)}" for file in static.rglob("*.*")]
        paths = ["/", ChartLibrary().path, *files]
        self._answers = {path: self._ask(path) for path in paths}

    def answer(self, route: Route) -> None:
        """Answers a request of a page; one for what is not there with 404."""
        url = urlsplit(route.request.url)
        path = f"{url.path}?{url.query}" if url.query else url.path
        if path.startswith("/symbols/") and path not in self._answers:
            self._answers[path] = self._ask(path)
        if path in self._answers:
            body, headers = self._answers[path]
            route.fulfill(body=body, headers=headers)
        else:
            route.fulfill(status=404, json={"error": f"nothing at {path}"})

    def _ask(self, path: str) -> tuple[str, dict[str, str]]:
        answer = self._client.get(path)
        kept = ("Content-Type", "Content-Security-Policy")
        return answer.text, {name: answer.headers[name] for name in kept if name in answer.headers}


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


def say(page: Page, name: str, data: object, resume_id: str = "") -> None:
    page.evaluate("say", [name, data, resume_id])


def say_status(page: Page, mode: str, age: float = 0.0, state: str = "live") -> None:
    feed = {"state": state, "simulated": False, "age": age, "source": "", "reason": ""}
    time = page.evaluate("Date.now()")
    said = {"event": "status", "time": time, "heartbeat": 12.0, "mode": mode, **feed}
    say(page, "status", {**said, "latency": None, "standbys": 0})


def say_updates(page: Page, *symbols: str, price: str = "2", **more: object) -> None:
    """One array; the last of its updates has the id to resume from too, as on a WebSocket."""
    read = page.evaluate("Date.now()")
    updates: list[dict[str, object]] = [
        {"symbol": symbol, "price": price, "stream": "trade", "received_time": read, **DAY, **more}
        for symbol in symbols
    ]
    updates[-1]["id"] = "e1-7"
    say(page, "message", updates, "e1-7")


def json_of(page: Page, expression: str) -> Any:
    return json.loads(page.evaluate(f"JSON.stringify({expression} ?? null)"))
