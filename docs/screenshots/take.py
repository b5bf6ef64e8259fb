"""Takes the README's pictures of a relay that reads a simulator: `make screenshots`. It ends by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.browser import WAIT, chromium
from tests.exchange import Simulator
from tests.processes import Gunicorn

DIRECTORY = Path(__file__).parent
#: Prices are made of it: the same ones each time.
SEED = "2"
#: Its letters are boxes where no font has them, as on many a server.
UNREADABLE = "币安人生USDT"
WIDE, PHONE = (1280, 800), (390, 844)
SYMBOL = "/symbols/BTCUSDT"
#: Bytes of a picture at most.
MOST = 300_000


def main() -> None:
    with Simulator("--seed", SEED) as simulator:
        simulator.listing(delist=UNREADABLE)
        market = f"{simulator.url}/ws/!miniTicker@arr"
        with Gunicorn(BINANCE_WS=market) as relay, chromium() as browser:
            relay.wait_until_ready()
            take_all(Pictures(browser, relay.url), simulator)


def take_all(pictures: "Pictures", simulator: Simulator) -> None:
    """The whole gallery; the exchange falls silent for the last one."""
    pictures.take("market", "/", moving)
    pictures.take("symbol", SYMBOL, drawn, size=(1280, 1180))
    if pictures.has_wall:
        pictures.take("wall", "/?wall&zone=utc", walled, size=(1280, 720))
    pictures.take("phone", "/", moving, size=PHONE)
    simulator.fault("silent")
    pictures.take("stale", "/", stale)


class Pictures:
    """Takes each picture in light and in dark."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url

    @property
    def has_wall(self) -> bool:
        """Whether this relay shows the market on a wall."""
        return 'id="wall"' in httpx.get(f"{self._url}/?wall", timeout=WAIT).text

    def take(
        self, name: str, path: str, wait: Callable[[Page], None], size: tuple[int, int] = WIDE
    ) -> None:
        """A picture of a path of the relay, once `wait(page)` returns."""
        width, height = size
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            page = self._browser.new_page(
                base_url=self._url,
                color_scheme=scheme,
                viewport={"width": width, "height": height},
                device_scale_factor=2 if size == PHONE else 1,
                locale="en-US",
                timezone_id="UTC",
            )
            page.set_default_timeout(WAIT)
            expect.set_options(timeout=WAIT)
            page.goto(f"{path}{'&' if '?' in path else '?'}theme={scheme}")
            wait(page)
            picture = DIRECTORY / f"{name}-{scheme}.png"
            page.screenshot(path=picture)
            page.close()
            bytes_ = picture.stat().st_size
            print(f"{picture.name}: {bytes_:,} bytes")
            if bytes_ > MOST:
                raise SystemExit(f"{picture.name} is larger than {MOST:,} bytes")


def moving(page: Page) -> None:
    """The market's prices move; a line of the last day stands beside them where there is room."""
    expect(page.locator("#state")).to_have_text("simulated")
    price = page.locator("#market tbody tr td").first
    expect(price).not_to_have_text(price.inner_text())
    if page.viewport_size and page.viewport_size["width"] > PHONE[0]:
        expect(page.locator("#market tbody tr svg").nth(15)).to_be_visible()


def drawn(page: Page) -> None:
    """The chart is drawn, of Binance's own candles."""
    expect(page.locator("#state")).to_have_text("simulated")
    expect(page.locator("#chart")).to_have_attribute("data-drawn", "yes")
    expect(page.locator("[data-part=note]")).to_have_text("")


def walled(page: Page) -> None:
    """The wall has prices."""
    expect(page.locator("#state")).to_have_text("simulated")
    expect(page.locator("#tiles li").nth(5)).to_be_visible()


def stale(page: Page) -> None:
    """The exchange has fallen silent."""
    expect(page.locator("#state")).to_have_text("stale")


if __name__ == "__main__":
    main()
