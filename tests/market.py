"""The market page of a spoken relay: what it knows, and what somebody sees of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from playwright.sync_api import Browser, Locator, Page

from relay.ticker import Ticker, public
from tests.spoken import READ, Bodies, open_browser_page, say, say_status

#: Milliseconds after which the order goes on, and between two looks at it; see static/market.
USE, LOOK = 5_000, 3_000
#: Milliseconds after which all of a new beginning has come.
SETTLED = 600


def ticker(symbol: str, price: str, volume: str = "1000", **more: Any) -> Ticker:
    """One that was just read, half of its price 24 hours ago; `volume` is in its quote asset."""
    day = {"open": str(float(price) / 2), "high": price, "low": price, "quote_volume": volume}
    return Ticker(symbol, price, "24hrMiniTicker", READ, READ, **(day | more))


#: The most traded ones by dollars: those in yen and in rupiah only look as if they were.
TOP = ["BTCUSDT", "ETHBTC", "BTCEUR", "BTCJPY", "BTCIDR", "ETHUSDC", "BCHUSDT"]
KNOWN = [
    ticker("BTCUSDT", "90000.00", "9000000000"),
    ticker("ETHBTC", "0.03", "40000"),
    ticker("BTCEUR", "75000.00", "2000000000"),
    ticker("BTCJPY", "14000000", "300000000000"),
    ticker("BTCIDR", "1500000000", "20000000000000"),
    ticker("ETHUSDC", "2700.00", "1000000000"),
    ticker("BCHUSDT", "500.00", "900000000"),
    ticker("币安人生USDT", "0.12"),
    ticker("WBTCUSDT", "89000.00"),
    ticker("ABTCXYZ", "5", "999999999999999", open="6"),
]


def many(count: int) -> list[Ticker]:
    """KNOWN and others, `count` in all; the others are traded less, each less than the one before."""
    others = range(count - len(KNOWN))
    return [
        *KNOWN,
        *(ticker(f"C{number:04}USDT", "1.50", str(9_000_000 - number)) for number in others),
    ]


@contextmanager
def market_page(browser: Browser, bodies: Bodies, **options: Any) -> Iterator[Page]:
    """A page that must not complain. Its clock stands still but for `pass_time`."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong, **options)
    page.clock.pause_at(READ / 1000 + 5)
    yield page
    page.context.close()
    assert wrong == []


def open_market(page: Page, known: list[Ticker], address: str = "/") -> None:
    """Opens it, and has the stream say all that is known."""
    page.goto(address)
    say_all(page, known)


def say_all(page: Page, known: list[Ticker]) -> None:
    """The stream begins with everything."""
    say_status(page, "full")
    say(page, "message", json.loads(msgspec.json.encode([public(each) for each in known])), "e1-7")
    pass_time(page, SETTLED)


def pass_time(page: Page, milliseconds: int) -> None:
    page.clock.run_for(milliseconds)


def scroll(page: Page, y: str) -> None:
    """Scrolls to where an expression says; the page has heard of it by then."""
    page.evaluate(
        f"""new Promise((done) => {{
            addEventListener("scroll", done, {{ once: true }});
            scrollTo(0, {y});
        }})"""
    )


def order(page: Page) -> list[str]:
    """The symbols of the rows that are in the document."""
    pass_time(page, 50)
    rows = page.locator("#market tbody tr")
    return list(rows.evaluate_all("rows => rows.map((row) => row.dataset.symbol)"))


def row(page: Page, symbol: str) -> Locator:
    return page.locator(f"#market tbody tr[data-symbol='{symbol}']")


def rank_of_focus(page: Page) -> int:
    """Which row the keyboard is at, from 1 on."""
    index = page.evaluate("document.activeElement.closest('tr').ariaRowIndex")
    return int(index) - 1
