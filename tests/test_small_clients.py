"""Clients that read no more than 32 KiB at a time: they read whatever they ask for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import product
from typing import Any

import pytest
from websockets.asyncio.client import connect

from relay.candle import Candle, packed
from relay.ticker import MAX_CANDLES, Ticker
from tests import loop
from tests.processes import WAIT_SECONDS, Gunicorn, wait_until
from tests.scribe import DAY, Scribe, now

#: Bytes of one line or one message: half of what asyncio reads, and aiohttp with it.
LIMIT = 32 << 10
SYMBOLS = [f"SYMBOL{number:04}WITHALONGNAMEUSDT" for number in range(2000)]
#: As many and as long as one client may name.
UNKNOWN = [f"NOBODY{number:03}" for number in range(512)]
FORMS = list(product(("events", "ws"), ("price", "ticker", "candle"), (0, 1)))


@pytest.fixture(scope="module", autouse=True)
def _market(worker: Gunicorn, scribe: Scribe) -> None:
    candle = Candle(now() // 60_000 * 60, 8, *[123_456_789_012_345] * 4, 99_999)
    minutes = MAX_CANDLES * packed(candle)
    scribe.start_anew()
    scribe.write(
        *(Ticker(s, "1234567.89", "trade", now(), now(), minutes=minutes, **DAY) for s in SYMBOLS)
    )
    wait_until(lambda: worker.ready()["symbols"] == len(SYMBOLS), "all symbols")


class Reader:
    """One client: what it holds, and what it was told."""

    def __init__(self, texts: AsyncIterator[str]) -> None:
        self._texts = texts
        self.symbols: set[str] = set()
        self.longest = 0
        self.unknown: list[str] = []

    async def until(self, number: int) -> None:
        """Reads until it holds so many symbols."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.symbols) != number:
                text = await anext(self._texts)
                self.longest = max(self.longest, len(text.encode()))
                said = json.loads(text)
                for each in said if isinstance(said, list) else [said]:
                    self._take(each)

    def _take(self, said: dict[str, Any]) -> None:
        if "symbol" in said:
            self.symbols.add(said["symbol"])
        elif said["event"] == "removed":
            self.symbols.difference_update(said["symbols"])
        elif said["event"] == "status":
            self.unknown = said.get("unknown", [])


async def lines(port: int, query: str) -> AsyncIterator[str]:
    """The data of each event. A line that is longer than LIMIT raises ValueError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
    writer.write(f"GET /events?{query} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"data: "):
                yield line[6:].decode()
    finally:
        writer.close()


async def messages(port: int, query: str) -> AsyncIterator[str]:
    """Each message. One that is longer than LIMIT, compressed or not, closes the connection."""
    async with connect(f"ws://127.0.0.1:{port}/ws?{query}", max_size=LIMIT) as socket:
        async for message in socket:
            assert isinstance(message, str)
            yield message


async def opened(stack: AsyncExitStack, port: int, transport: str, query: str) -> Reader:
    texts = (lines if transport == "events" else messages)(port, query)
    stack.push_async_callback(texts.aclose)  # type: ignore[attr-defined]
    return Reader(texts)


async def all_until(readers: list[Reader], number: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        for reader in readers:
            tasks.create_task(reader.until(number))


def test_a_whole_market_and_its_removal_are_read_in_every_form(
    worker: Gunicorn, scribe: Scribe
) -> None:
    async def read() -> list[Reader]:
        async with AsyncExitStack() as stack:
            readers = [
                await opened(stack, worker.port, transport, f"fields={fields}&batch={batch}")
                for transport, fields, batch in FORMS
            ]
            await all_until(readers, len(SYMBOLS))
            await asyncio.to_thread(scribe.remove, *SYMBOLS[1:])
            await all_until(readers, 1)
            return readers

    readers = loop.run(read())
    assert len(readers) == len(FORMS)
    assert 4_000 < max(reader.longest for reader in readers) < LIMIT


@pytest.mark.parametrize("transport", ["events", "ws"])
def test_a_status_that_names_every_unknown_symbol_is_read(worker: Gunicorn, transport: str) -> None:
    async def read() -> Reader:
        async with AsyncExitStack() as stack:
            query = f"symbols={','.join([SYMBOLS[0], *UNKNOWN[1:]])}"
            reader = await opened(stack, worker.port, transport, query)
            await reader.until(1)
            return reader

    reader = loop.run(read())
    assert reader.unknown == UNKNOWN[1:]
    assert reader.longest < LIMIT
