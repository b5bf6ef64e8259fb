"""One relay at two addresses: heard at once, the newest counts; the streams are spoken by the test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.spoken import Bodies, json_of, open_browser_page, open_client

A, B = "http://a.example/events", "http://b.example/events"
SAY = """([url, name, data, id]) => {
    const source = opened().findLast((source) => source.url.startsWith(url));
    const said = { data: JSON.stringify(data), lastEventId: id };
    source.dispatchEvent(new MessageEvent(name, said));
}"""


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    open_client(page, url=[A, B], fields="price")
    page.evaluate(
        "globalThis.resets = 0; relay.onreset = () => resets += 1;"
        "globalThis.seen = []; relay.onupdates = (all) => seen.push(...all.map((u) => u.price)); 0"
    )
    yield page
    page.context.close()
    assert wrong == []


def status(page: Page, url: str, mode: str, epoch: str = "e1", state: str = "live") -> None:
    feed = {"state": state, "simulated": False, "age": 0.1, "source": "", "reason": ""}
    said = {"event": "status", "mode": mode, "id": f"{epoch}-0", "heartbeat": 12, **feed}
    page.evaluate(SAY, [url, "status", {**said, "time": page.evaluate("Date.now()")}, ""])


def update(page: Page, url: str, resume_id: str, **prices: str) -> None:
    updates = [{"symbol": symbol, "price": price} for symbol, price in prices.items()]
    page.evaluate(SAY, [url, "message", updates, resume_id])


def begin(page: Page) -> None:
    for url in (A, B):
        status(page, url, "full")
        update(page, url, "e1-5", S0="1", S1="1")
        page.clock.run_for(400)


def prices(page: Page) -> list[str]:
    return list(json_of(page, "[price('S0'), price('S1')]"))


def test_of_two_the_newest_price_counts(page: Page) -> None:
    begin(page)
    update(page, A, "e1-7", S0="3")
    update(page, B, "e1-6", S0="2")
    assert prices(page) == ["3", "1"]
    update(page, B, "e1-8", S1="4")
    update(page, A, "e1-8", S1="4")
    assert prices(page) == ["3", "4"]
    assert page.evaluate("resets") == 1


def test_one_that_is_killed_costs_nothing(page: Page) -> None:
    begin(page)
    page.evaluate("url => opened().find((s) => s.url.startsWith(url)).onerror()", A)
    for second in range(20):
        update(page, B, f"e1-{10 + second}", S0=str(second))
        page.clock.run_for(1_000)
        assert prices(page)[0] == str(second)
    assert set(json_of(page, "told")) == {"live"}
    assert page.evaluate("resets") == 1
    # It is there again: what it says that is known already is no news.
    while not page.evaluate("url => opened().some((s) => s.url.startsWith(url))", A):
        page.clock.run_for(500)
    status(page, A, "changes")
    update(page, A, "e1-12", S0="2")
    assert prices(page)[0] == "19"


def test_one_that_has_lost_its_feed_is_not_heard_while_the_other_has_it(page: Page) -> None:
    begin(page)
    status(page, A, "none", state="stale")
    page.clock.run_for(8_000)
    update(page, B, "e1-9", S0="2")
    assert json_of(page, "told").pop() == "live"


def test_another_epoch_counts_once_nobody_has_the_one_before(page: Page) -> None:
    begin(page)
    status(page, B, "full", "e2")
    update(page, B, "e2-3", S0="9")
    assert prices(page) == ["1", "1"]
    status(page, A, "full", "e2")
    update(page, A, "e2-4", S0="10", S1="11")
    assert prices(page) == ["10", "11"]
    assert page.evaluate("resets") == 2


def test_whoever_is_left_is_believed_with_another_epoch(page: Page) -> None:
    begin(page)
    status(page, B, "full", "e2")
    update(page, B, "e2-3", S0="9", S1="8")
    page.evaluate("url => opened().find((s) => s.url.startsWith(url)).onerror()", A)
    # It is asked for all of it, since nothing of it was believed.
    assert page.evaluate("url => opened().filter((s) => s.url.startsWith(url)).length", B) == 2
    status(page, B, "full", "e2")
    update(page, B, "e2-4", S0="9", S1="8")
    assert prices(page) == ["9", "8"]
    assert page.evaluate("resets") == 2


def test_each_piece_is_as_new_as_its_id(page: Page) -> None:
    begin(page)
    update(page, A, "e1-7", S0="7")
    update(page, B, "e1-6", S0="6")
    assert prices(page) == ["7", "1"]
    update(page, B, "e1-8", S1="8")
    update(page, A, "e1-8", S1="8")
    assert prices(page) == ["7", "8"]


def test_what_is_removed_is_so_as_of_the_id_that_follows(page: Page) -> None:
    begin(page)
    gone = {"event": "removed", "symbols": ["S0"]}
    page.evaluate(SAY, [A, "removed", gone, "e1-5"])
    # It is listed anew, and the other one knows that already.
    update(page, B, "e1-9", S0="9")
    update(page, A, "e1-7", S1="7")
    assert prices(page) == ["9", "7"]
    page.evaluate(SAY, [A, "removed", gone, "e1-10"])
    assert prices(page) == [None, "7"]
    page.evaluate(SAY, [B, "removed", {"event": "removed", "symbols": ["S1"]}, "e1-9"])
    page.evaluate(SAY, [B, "heartbeat", {"event": "heartbeat", "state": "live"}, "e1-9"])
    assert prices(page) == [None, None]
