"""Recorded frames through the whole chain: what every client ends up with is what was recorded.

The recordings are read where they are (RELAY_RECORDINGS, or ../shared/recordings); the synthetic one
is written by the simulator and needs nothing.
"""

import gzip
import heapq
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from websockets.sync.client import connect

from relay.web.figures import plain
from tests.conftest import RECORDINGS
from tests.exchange import Simulator
from tests.long import long
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.streams import EventSource, Stream, WebSocket

PRICE_FIELDS = {
    "trade": "p",
    "aggTrade": "p",
    "24hrMiniTicker": "c",
    "24hrTicker": "c",
}


def ticks(directory: Path) -> Iterator[Any]:
    """Both symbols' frames in the order of their receive times."""

    def lines(path: Path) -> Iterator[tuple[int, str]]:
        with gzip.open(path, "rt") as file:
            for line in file:
                time, _, frame = line.partition(" ")
                yield int(time), frame

    for _, frame in heapq.merge(*(lines(path) for path in sorted(directory.glob("*.gz")))):
        yield json.loads(frame)


def json_lines(path: Path) -> Iterator[Any]:
    yield from (json.loads(line) for line in path.read_text().splitlines())


def cryptofeed(path: Path) -> Iterator[Any]:
    for line in path.read_text().split("\n")[1:]:
        if line:
            yield json.loads(line.partition(": ")[2])


def last_prices(frames: Iterator[Any]) -> tuple[dict[str, str], int, int]:
    """Each symbol's last price; how many frames, and how many updates in them."""
    prices, count, updates = {}, 0, 0
    for frame in frames:
        count += 1
        data = frame["data"] if isinstance(frame, dict) and "data" in frame else frame
        for event in data if isinstance(data, list) else [data]:
            kind = event.get("e")
            if kind in PRICE_FIELDS:
                price = event[PRICE_FIELDS[kind]]
            elif kind == "kline":
                price = event["k"]["c"]
            elif kind is None and "u" in event and isinstance(event.get("b"), str):
                price = event["b"]
            else:
                continue
            prices[event["s"]] = price
            updates += 1
    return prices, count, updates


def synthetic(directory: Path) -> Path:
    """What the simulator itself sent in a few seconds, recorded by it."""
    path = directory / "synthetic.jsonl"
    with (
        # No more than a listener takes in before it was told what is listed.
        Simulator("--record", str(path), "--symbols", "900", "--activity", "1") as simulator,
        connect(f"{simulator.url}/ws/!miniTicker@arr", max_size=None) as connection,
    ):
        for _ in range(3):
            connection.recv(timeout=20)
    return path


def recording(name: str, directory: Path) -> tuple[list[str], Iterator[Any]]:
    """The files to replay, and what is in them by this test's own reading."""
    if name == "synthetic":
        path = synthetic(directory)
        return [str(path)], (json.loads(line)["data"] for line in path.read_text().splitlines())
    if not RECORDINGS.is_dir():
        pytest.skip(f"the recordings are not at {RECORDINGS}")
    if name == "ticks":
        folder = RECORDINGS / "ticks-raw"
        return [str(path) for path in sorted(folder.glob("*.gz"))], ticks(folder)
    if name == "all-market":
        path = RECORDINGS / "all-market" / "spot_ticker_arr_20220613.jsonl"
        return [str(path)], json_lines(path)
    path = RECORDINGS / "cryptofeed" / "BINANCE.ws.1.0"
    return [str(path)], cryptofeed(path)


def prices_on_page(browser: Browser, relay: Gunicorn) -> dict[str, str]:
    """What a person sees in the browser of the whole market, without the zeros that pad it."""
    with browser.new_page() as page:
        page.goto(f"{relay.url}/?all")
        rows = page.locator("#market tbody tr").evaluate_all(
            "rows => rows.map(row => [row.dataset.symbol, row.querySelector('td').textContent.trim()])"
        )
        return {symbol: plain(price) for symbol, price in rows}


@long
@pytest.mark.parametrize("name", ["synthetic", "ticks", "all-market", "cryptofeed"])
def test_every_client_ends_with_the_last_recorded_price(
    name: str, redis_server: RedisServer, browser: Browser, tmp_path: Path
) -> None:
    files, frames = recording(name, tmp_path)
    expected, frame_count, update_count = last_prices(frames)
    streams: list[Stream] = []
    with (
        Gunicorn(workers=2, REDIS_URL=redis_server.url) as relay,
        Simulator("--replay", *files, "--speed", "0", stderr=subprocess.PIPE) as simulator,
    ):
        for _ in range(3):
            streams += [EventSource(relay.port), WebSocket(relay.ws_url)]
        url = f"{simulator.url}/stream?streams=!miniTicker@arr"
        with Listener(
            REDIS_URL=redis_server.url, BINANCE_WS=url, FEED_SILENCE_SECONDS="600"
        ) as listener:
            held = redis_server.client
            wait_until(lambda: held.hgetall("prices") == expected, "the hash to hold them all", 60)
            for stream in streams:
                stream.wait_for(lambda stream=stream: stream.prices == expected, "every last price")
            assert prices_on_page(browser, relay) == {
                s: plain(price) for s, price in expected.items()
            }
            for _ in range(4):
                answer = relay.http.get("/api/prices").json()
                assert answer["prices"] == expected
        written = listener.wait_for_line(r"stopped: ([\d,]+) updates? written").group(1)
        for stream in streams:
            stream.close()
    print(
        f"{name}: {frame_count} frames, {len(expected)} symbols, {update_count} updates recorded, "
        f"{written} written; {[len(stream.updates) for stream in streams]} per client",
        file=sys.stderr,
    )
