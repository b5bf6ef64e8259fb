"""Two connections beside each other: no state of one is mixed with that of the other."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.spoken import Bodies, json_of, open_client, polled_page

FEED = {
    "state": "live",
    "simulated": False,
    "age": 0.1,
    "source": "",
    "reason": "",
    "heartbeat": 12,
}
SAY = """([number, name, data, id]) => {
    const source = sources.at(number);
    if (source.readyState === 2) throw new Error("it is closed");
    const said = { data: JSON.stringify(data), lastEventId: id };
    source.dispatchEvent(new MessageEvent(name, said));
}"""
#: Connections by when they were made, among those that there are.
OLD, NEW = 0, -1


@pytest.fixture
def page(browser: Browser, bodies: Bodies, polls: list[Route]) -> Iterator[Page]:
    with polled_page(browser, bodies, polls) as page:
        yield page


def greet(page: Page, number: int, mode: str, resume_id: str, last: str = "") -> None:
    """`last`: what a browser's EventSource puts beside it."""
    time = page.evaluate("Date.now()")
    status = {"event": "status", "mode": mode, "id": resume_id, "time": time, **FEED}
    page.evaluate(SAY, [number, "status", status, last])


def update(page: Page, number: int, resume_id: str, **prices: str) -> None:
    updates = [{"symbol": symbol, "price": price} for symbol, price in prices.items()]
    page.evaluate(SAY, [number, "message", updates, resume_id])


def begin(page: Page, **options: object) -> None:
    """A client that holds S0 and S1 as of e1-7."""
    open_client(page, **options)
    page.evaluate("globalThis.resets = 0; relay.onreset = () => { resets += 1; }; 0")
    greet(page, NEW, "full", "e1-0")
    update(page, NEW, "e1-7", S0="7", S1="7")
    page.clock.run_for(1_000)


def prices(page: Page) -> list[str]:
    return list(json_of(page, "[price('S0'), price('S1')]"))


def come_back(page: Page, polls: list[Route]) -> Route:
    """Away for a while, so that the prices are asked for; that question."""
    page.clock.run_for(8_000)
    with page.expect_request("**/api/prices?*"):
        page.evaluate("dispatchEvent(new Event('focus'))")
    while not polls:
        page.evaluate("0")
    return polls.pop()


def test_an_answer_of_another_epoch_makes_a_connection_and_is_no_price(
    page: Page, polls: list[Route]
) -> None:
    begin(page)
    poll = come_back(page, polls)
    poll.fulfill(json={"id": "e2-9", "mode": "full", "prices": {"S0": "9"}, "feed": FEED})
    page.wait_for_function("() => sources.length === 2")
    assert prices(page) == ["7", "7"]
    update(page, OLD, "e1-8", S1="8")
    greet(page, NEW, "full", "e2-0")
    update(page, NEW, "e2-9", S0="9", S1="9")
    assert prices(page) == ["9", "9"]
    assert page.evaluate("[resets, opened().length]") == [2, 1]


def test_a_rival_of_another_epoch_begins_anew_and_ends_the_one_before(page: Page) -> None:
    begin(page)
    page.clock.run_for(16_000)
    assert page.evaluate("opened().length") == 2
    greet(page, NEW, "full", "e2-0")
    assert page.evaluate("[resets, opened().length, sources[0].readyState]") == [2, 1, 2]
    update(page, NEW, "e2-3", S0="3")
    page.evaluate("cut()")
    page.clock.run_for(800)
    assert "since=e2-3" in page.evaluate("sources.at(-1).url")


def test_the_id_beside_a_status_may_be_of_the_epoch_before(page: Page) -> None:
    begin(page)
    greet(page, NEW, "full", "e2-0", last="e1-7")
    update(page, NEW, "e2-2", S0="2")
    assert prices(page) == ["2", None]
    page.evaluate(SAY, [NEW, "heartbeat", {"event": "heartbeat", **FEED}, "e2-2"])
    update(page, NEW, "e2-3", S0="3")
    page.evaluate("cut()")
    page.clock.run_for(800)
    assert "since=e2-3" in page.evaluate("sources.at(-1).url")
    assert page.evaluate("resets") == 2


def want_more(page: Page) -> None:
    """Another client in the page wants S2 too: the connection for all three waits for its first word."""
    begin(page, symbols=["S0", "S1"])
    page.evaluate("globalThis.more = new relay.constructor({ symbols: ['S2'] }); 0")
    assert page.evaluate("opened().length") == 2


def test_the_connection_before_brings_nothing_back_that_is_removed(page: Page) -> None:
    want_more(page)
    greet(page, NEW, "full", "e1-0")
    # The id of a removal stands with the next piece.
    page.evaluate(SAY, [NEW, "removed", {"event": "removed", "symbols": ["S0"]}, ""])
    update(page, OLD, "e1-9", S0="9", S1="9")
    assert prices(page) == [None, "9"]
    update(page, NEW, "e1-10", S1="10", S2="10")
    update(page, OLD, "e1-9", S0="9")
    assert prices(page) == [None, "10"]


def test_the_connection_before_is_not_heard_once_there_is_another_epoch(page: Page) -> None:
    want_more(page)
    greet(page, NEW, "full", "e2-0")
    update(page, NEW, "e2-3", S0="3", S2="3")
    update(page, OLD, "e1-9", S0="9", S1="9")
    page.evaluate(SAY, [OLD, "removed", {"event": "removed", "symbols": ["S0"]}, "e1-10"])
    assert prices(page) == ["3", None]
    update(page, NEW, "e2-4", S1="4")
    assert prices(page) == ["3", "4"]
    page.evaluate("cut()")
    page.clock.run_for(800)
    assert "since=e2-4" in page.evaluate("sources.at(-1).url")


def test_the_connection_before_brings_nothing_that_nobody_wants_any_more(page: Page) -> None:
    want_more(page)
    greet(page, NEW, "full", "e1-0")
    update(page, NEW, "e1-10", S0="10", S1="10", S2="10")
    page.clock.run_for(1_000)
    page.evaluate(
        "relay.close(); globalThis.heard = []; more.addEventListener('settled', () => 0); 0"
    )
    page.clock.run_for(5_100)
    assert page.evaluate("opened().length") == 2
    greet(page, NEW, "full", "e1-0")
    update(page, -2, "e1-12", S0="12", S2="12")
    # Whoever wants S0 now does not take what stood still for the newest price.
    page.evaluate("globalThis.late = new relay.constructor({ symbols: ['S0'] }); 0")
    page.clock.run_for(50)
    assert page.evaluate("[late.tickers.size, more.tickers.get('S2').price]") == [0, "12"]


def amid_all(page: Page) -> None:
    """What was lost is asked for anew; a worker that remembers little says all that there is, and is cut."""
    begin(page)
    page.evaluate("globalThis.gone = []; relay.onremoved = (symbols) => gone.push(...symbols); 0")
    page.evaluate("cut()")
    page.clock.run_for(800)
    assert "since=e1-7" in page.evaluate("sources.at(-1).url")
    time = page.evaluate("Date.now()")
    full = {"event": "status", "mode": "full", "id": "e1-0", "up_to": "e1-9", "time": time, **FEED}
    page.evaluate(SAY, [NEW, "status", full, ""])


@pytest.mark.parametrize("mode", ["none", "changes"])
def test_what_did_not_come_again_is_not_gone_where_a_worker_went_on_from_what_was_held(
    page: Page, mode: str
) -> None:
    amid_all(page)
    update(page, NEW, "e1-3", S0="7")
    page.evaluate("cut()")
    page.clock.run_for(800)
    greet(page, NEW, mode, "e1-7")
    page.clock.run_for(10_000)
    assert json_of(page, "[gone, price('S1')]") == [[], "7"]


def test_a_word_of_the_feed_amid_all_that_there_is_makes_nothing_gone(page: Page) -> None:
    amid_all(page)
    update(page, NEW, "e1-8", S0="8")
    greet(page, NEW, "changes", "e1-8")
    # A slow network brings the rest a while later.
    page.clock.run_for(8_000)
    assert json_of(page, "[gone, price('S1')]") == [[], "7"]
    update(page, NEW, "e1-9", S2="9")
    page.clock.run_for(100)
    assert json_of(page, "[gone, price('S1'), price('S2')]") == [["S1"], None, "9"]
