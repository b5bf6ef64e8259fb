"""The other pages that share a connection: a test speaks for them, on a channel that it has made up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from tests.spoken import Bodies, json_of, open_browser_page, open_client

CHANNEL = """
globalThis.posted = [];
globalThis.BroadcastChannel = class {
  constructor() {
    globalThis.channel = this;
  }
  postMessage([, ...message]) {
    posted.push(message);
  }
  close() {
    globalThis.channel = null;
  }
};
globalThis.grant = () => {};
Object.defineProperty(navigator, "locks", {
  value: {
    request: (name, options, held) => new Promise((done, fail) => {
      globalThis.grant = held;
      options.signal?.addEventListener("abort", () => fail(new DOMException("", "AbortError")));
    }),
  },
});
globalThis.hear = (message) => channel.onmessage({ data: message });
"""
#: A page names itself by a random number.
NAME_PAGE = "Math.random = () => 0.5"
ME = "i"
WISH = {"symbols": None, "fields": "ticker", "rate": 0}


@contextmanager
def sharing_page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    """A page that must not complain."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    page.add_init_script(CHANNEL)
    page.add_init_script(NAME_PAGE)
    yield page
    page.context.close()
    assert wrong == []


def hear(page: Page, *message: object, by: str = "leader") -> None:
    page.evaluate("hear", [by, *message])


def feed(page: Page, **more: object) -> dict[str, Any]:
    said = {"event": "status", "state": "live", "simulated": False, "age": 0.1, "source": ""}
    return {**said, "reason": "", "heartbeat": 12, "time": page.evaluate("Date.now()"), **more}


def snapshot(page: Page, version: int, **more: object) -> dict[str, Any]:
    tickers = [{"symbol": "S0", "price": str(version)}, {"symbol": "S1", "price": str(version)}]
    return {
        "said": feed(page, mode="full", id=f"e1-{version}"),
        "tickers": tickers,
        "versions": [["S0", version], ["S1", version]],
        "thin": [],
        "heard": page.evaluate("Date.now()"),
        "gone": [],
        "id": f"e1-{version}",
        "wish": WISH,
        "base": version,
        "isComplete": True,
        "isSettled": True,
    } | more


def brief(page: Page, version: int, **more: object) -> None:
    hear(page, "snapshot", ME, snapshot(page, version, **more))


def follow(page: Page, version: int = 7) -> None:
    """A page that follows us, and has its snapshot."""
    open_client(page)
    hear(page, "here", True)
    brief(page, version)
    assert json_of(page, "[price('S0'), relay.status.state]") == [str(version), "live"]


def update(page: Page, version: int, *symbols: str, by: str = "leader") -> None:
    updates = [{"symbol": symbol, "price": str(version)} for symbol in symbols]
    hear(page, "said", updates, f"e1-{version}", False, by=by)
