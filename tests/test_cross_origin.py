"""Pages of another origin in a real browser: they come back after a deploy where they were, and tickets open
the relay to them while their time and their key last."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.foreign_page import ForeignPage, bundle
from tests.long import long
from tests.processes import ROOT, Gunicorn, RedisServer, wait_until
from tests.scribe import Scribe

#: The library of https://github.com/Azure/fetch-event-source as a page uses it that wants to go on for ever.
FETCHING = """
import { fetchEventSource } from "@microsoft/fetch-event-source";
globalThis.asked = [];
globalThis.modes = [];
globalThis.prices = {};
globalThis.follow = (url) => fetchEventSource(url, {
  openWhenHidden: true,
  fetch(input, init) {
    asked.push(init.headers["last-event-id"] ?? "");
    return fetch(input, init);
  },
  async onopen(response) {
    if (!response.ok) throw new Error(response.status);
  },
  onmessage({ event, data }) {
    if (!data) return;
    const said = JSON.parse(data);
    if (event === "status") modes.push(said.mode);
    if (said.price) prices[said.symbol] = said.price;
  },
  onclose() {
    throw new Error("go on");
  },
  onerror() {},
});
"""
HAS = "([symbol, price]) => prices[symbol] === price"
#: Milliseconds: a library waits for a second or two before it comes back.
WAIT = 20_000
#: Seconds that a ticket is good for: so few that a test sees its end, and so many that it does not.
SHORT, LONG = 3, 600
TOKEN, THIRD = "desk-token-of-a-test", "a-third-key-of-a-test"
OLD, NEW = "the-old-key-of-a-test", "the-new-key-of-a-test"


@pytest.fixture(scope="module")
def foreign() -> Iterator[ForeignPage]:
    with ForeignPage(bundle(FETCHING)) as foreign:
        yield foreign


@pytest.fixture(scope="module")
def redis_url(_redis_process: RedisServer) -> str:
    return _redis_process.url


@pytest.fixture
def page(browser: Browser, foreign: ForeignPage) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(WAIT)
    page.goto(foreign.origin)
    yield page
    page.close()


def replace(relay: Gunicorn) -> None:
    """A new worker, by HUP, and nothing left of the old one."""
    before = relay.worker_pids()
    relay.signal(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(relay.worker_pids()), "the new worker")
    relay.wait_until_ready()


@long
def test_fetch_event_source_keeps_its_place_through_deploys(
    foreign: ForeignPage, page: Page, scribe: Scribe, redis_url: str
) -> None:
    scribe.start_anew()
    scribe.tell("A", "1")
    scribe.tell("B", "1")
    settings = {"REDIS_URL": redis_url, "ALLOWED_ORIGINS": foreign.origin}
    with Gunicorn(**settings) as relay:
        relay.wait_until_ready()
        page.evaluate("url => void follow(url)", f"{relay.url}/events")
        page.wait_for_function(HAS, arg=["B", "1"])
        replace(relay)
        page.wait_for_function("() => asked.length > 1")
        scribe.tell("A", "2")
        page.wait_for_function(HAS, arg=["A", "2"])
        relay.signal(signal.SIGTERM)
        assert relay.wait() == 0
        scribe.tell("A", "3")
    seen = page.evaluate("modes.length")
    with Gunicorn(port=relay.port, **settings) as relay:
        relay.wait_until_ready()
        page.wait_for_function(HAS, arg=["A", "3"])
        scribe.tell("A", "4")
        page.wait_for_function(HAS, arg=["A", "4"])
        asked, modes = page.evaluate("[asked, modes]")
    assert asked[0] == ""
    assert all(asked[1:])
    assert modes[0] == "full"
    assert "full" not in modes[1:]
    assert modes[seen:] == ["changes"]


def test_a_page_of_another_origin_hears_nothing(page: Page, redis_url: str) -> None:
    """Not even that it is refused: it may not ask first."""
    settings = {"REDIS_URL": redis_url, "ALLOWED_ORIGINS": "https://friend.example"}
    with Gunicorn(**settings) as strict:
        said = page.evaluate(
            """url => fetch(url, { headers: { "Last-Event-ID": "e1-1" } }).then(
                 (answer) => answer.status, (error) => error.name)""",
            f"{strict.url}/events",
        )
    assert said == "TypeError"


class Guarded:
    """A relay whose settings stand in a file, so that a HUP takes new ones."""

    def __init__(self, directory: Path, redis_url: str, origin: str) -> None:
        self._file = directory / ".env"
        self._fixed = (
            f"REDIS_URL={redis_url}\nALLOWED_ORIGINS={origin}\nACCESS_TOKENS=desk:{TOKEN}\n"
        )
        self._write((OLD,), SHORT)
        options = ("--chdir", str(directory), "--pythonpath", str(ROOT))
        self.relay = Gunicorn(options=options)

    def _write(self, keys: tuple[str, ...], seconds: int) -> None:
        tickets = f"TICKET_KEYS={','.join(keys)}\nTICKET_SECONDS={seconds}\n"
        self._file.write_text(self._fixed + tickets)

    def rotate(self, *keys: str, seconds: int = LONG) -> None:
        """These keys from here on, and this time for each ticket."""
        self._write(keys, seconds)
        replace(self.relay)


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
    scribe: Scribe,
    foreign: ForeignPage,
) -> Iterator[Guarded]:
    guarded = Guarded(tmp_path_factory.mktemp("guarded"), redis_url, foreign.origin)
    with guarded.relay as relay:
        scribe.tell("A", "1")
        relay.wait_until_ready()
        yield guarded


@pytest.fixture
def holder(guarded: Guarded, page: Page, scribe: Scribe) -> Page:
    """A page that has a token."""
    scribe.tell("A", "1")
    page.evaluate(TICKETS, [guarded.relay.url, TOKEN])
    return page


TICKETS = """([relay, token]) => {
  globalThis.relay = relay;
  globalThis.given = 0;
  globalThis.ticket = async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${relay}/api/ticket`, { method: "POST", headers });
    given += 1;
    return (await answer.json()).ticket;
  };
  // What becomes of each way in: the first price, or that it stays shut.
  globalThis.byEvents = (ticket) => new Promise((told) => {
    const events = new EventSource(`${relay}/events?ticket=${encodeURIComponent(ticket)}`);
    const end = (how) => (events.close(), told(how));
    events.onmessage = ({ data }) => end(JSON.parse(data).price);
    events.onerror = () => events.readyState === EventSource.CLOSED && end("shut");
  });
  globalThis.bySocket = (ticket) => new Promise((told) => {
    const url = `${relay}/ws?ticket=${encodeURIComponent(ticket)}`.replace("http", "ws");
    const socket = new WebSocket(url);
    socket.onmessage = ({ data }) => {
      const { price } = JSON.parse(data);
      if (price) told(price), socket.close();
    };
    socket.onerror = () => told("shut");
  });
}"""
BOTH = "async (ticket) => [await byEvents(ticket), await bySocket(ticket)]"
OPEN, SHUT = ["1", "1"], ["shut", "shut"]


def test_a_ticket_opens_both_ways_until_its_time_is_over(holder: Page) -> None:
    ticket = holder.evaluate("ticket()")
    assert holder.evaluate(BOTH, ticket) == OPEN
    assert holder.evaluate(BOTH, "none.of.ours") == SHUT
    wait_until(lambda: holder.evaluate(BOTH, ticket) == SHUT, "the ticket to be too old")
    assert holder.evaluate(BOTH, holder.evaluate("ticket()")) == OPEN


@long
def test_an_old_ticket_is_good_until_its_key_goes(guarded: Guarded, holder: Page) -> None:
    guarded.rotate(OLD)
    old = holder.evaluate("ticket()")
    guarded.rotate(NEW, OLD)
    new = holder.evaluate("ticket()")
    assert [holder.evaluate(BOTH, each) for each in (old, new)] == [OPEN, OPEN]
    guarded.rotate(NEW)
    assert [holder.evaluate(BOTH, each) for each in (old, new)] == [SHUT, OPEN]


def test_our_client_comes_back_with_another_ticket(
    guarded: Guarded, holder: Page, scribe: Scribe
) -> None:
    holder.evaluate(
        """async () => {
        const { Relay } = await import(`${relay}/static/relay.js`);
        globalThis.client = new Relay({ url: `${relay}/events`, ticket, shared: false });
    }"""
    )
    holder.wait_for_function("() => client.tickers.get('A')?.price === '1'")
    first = holder.evaluate("given")
    # The key of the ticket that it holds is gone.
    guarded.rotate(THIRD)
    scribe.tell("A", "2")
    holder.wait_for_function("() => client.tickers.get('A')?.price === '2'")
    assert holder.evaluate("given") > first
    assert holder.evaluate("client.status.state") == "live"
    holder.evaluate("client.close()")
