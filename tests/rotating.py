"""Runs a feed that replaces its session over and over, and prints what that cost, as JSON.

python -m tests.rotating URL ROTATIONS
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from functools import partial  # noqa: E402

import gevent  # noqa: E402
from gevent.event import AsyncResult  # noqa: E402

from relay.exchange.feed import Feed  # noqa: E402
from relay.exchange.streams import plan  # noqa: E402
from relay.ingest.intake import Intake  # noqa: E402
from relay.ticker import Ticker  # noqa: E402

ROTATE_SECONDS = 0.15


class Ledger:
    """What came, and in which order the intake let it pass."""

    def __init__(self) -> None:
        self._intake = Intake()
        self.came: list[int] = []
        self.ids: list[int] = []
        self.longest = 0.0
        self.states: set[str] = set()
        self._heard = 0.0
        self._gaps = 0

    def take(self, tickers: list[Ticker]) -> None:
        self.came += [ticker.sequence or 0 for ticker in tickers]
        self._intake.offer(tickers)
        for ticker in self._intake.wait(0):
            now = time.monotonic()
            self.longest = max(self.longest, now - self._heard if self._heard else 0.0)
            self._heard = now
            self.ids.append(ticker.sequence or 0)

    def announce(self, _simulated: bool, after_gap: bool) -> None:
        self._gaps += after_gap

    def report(self, rotations: int, until: int) -> dict[str, object]:
        """What is missing is counted up to the id `until`."""
        came = {sequence for sequence in self.came if sequence <= until}
        return {
            "rotations": rotations,
            "beginnings": self._gaps,
            "trades": len(self.ids),
            "missing": until - min(came) + 1 - len(came),
            "out_of_order": sum(b <= a for a, b in zip(self.ids, self.ids[1:], strict=False)),
            "duplicates_dropped": len(self.came) - len(self.ids),
            "longest_ms": round(1000 * self.longest, 1),
            "states": sorted(self.states),
        }


def main(url: str, rotations: int) -> None:
    ledger, done = Ledger(), AsyncResult()
    feed = Feed(
        [url],
        partial(plan, symbols=["BTCUSDT"], kind="trade"),
        ledger.take,
        ledger.announce,
        silence=10.0,
        rotate=ROTATE_SECONDS,
    )

    def look_until(number: int) -> None:
        while feed.rotations < number:
            gevent.sleep(0.005)
            if ledger.ids:
                ledger.states.add(feed.status().state)

    def look() -> None:
        look_until(rotations)
        until = max(ledger.came)
        # The session that was left may owe some of those still. It has caught up before the next rotation.
        look_until(rotations + 1)
        done.set(until)

    running = gevent.spawn(feed.run)
    gevent.spawn(look)
    until = done.get(timeout=100)
    feed.stop()
    running.join(5)
    print(json.dumps(ledger.report(feed.rotations, until)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
