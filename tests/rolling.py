"""Many clients on the way through a balancer, while the servers behind it are restarted one by one."""

import asyncio
import json
import threading
from collections import Counter

import httpx

from tests.closing import Closing
from tests.plain_http import NO_TLS


class Crowd(Closing):
    """So many EventSources that come back by themselves with their last id, as a browser's do, and what
    each has heard of one symbol whose prices count: 1, 2, 3, ..."""

    def __init__(self, port: int, size: int, symbol: str) -> None:
        self._port = port
        self._symbol = symbol
        #: The newest number that each has heard.
        self.newest = [0] * size
        #: What answers said that were none of 200.
        self.refused: Counter[str] = Counter()
        #: Those who came back with an id and were told everything anew; and those who went on.
        self.modes: Counter[str] = Counter()
        #: Numbers that went backwards.
        self.backwards = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def all_have(self, number: int) -> bool:
        return min(self.newest) >= number

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        lives = [asyncio.create_task(self._live(index)) for index in range(len(self.newest))]
        while not self._over.is_set():
            await asyncio.sleep(0.05)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)

    async def _live(self, index: int) -> None:
        last = ""
        # They do not all begin in one moment.
        await asyncio.sleep(index / 500)
        while True:
            last, wait = await self._stream(index, last)
            await asyncio.sleep(wait)

    async def _stream(self, index: int, last: str) -> tuple[str, float]:
        """One connection, until it ends; the last id, and the seconds until the next."""
        wait = 0.5
        came_with = last
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            head = f"GET /events?symbols={self._symbol} HTTP/1.1\r\nHost: x\r\n"
            head += f"Last-Event-ID: {last}\r\n" if last else ""
            writer.write(f"{head}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            status = answer.split(b" ", 2)[1].decode()
            if status != "200":
                self.refused[status] += 1
                return last, wait
            while line := await reader.readline():
                if line.startswith(b"id: "):
                    last = line[4:].strip().decode()
                elif line.startswith(b"data: {"):
                    said = json.loads(line[6:])
                    if said.get("event") == "bye":
                        # A proxy keeps the connection.
                        return last, int(said["retry"]) / 1000
                    self._hear(index, said, came_back=bool(came_with))
            self.refused["ended without goodbye"] += 1
        except (OSError, asyncio.IncompleteReadError):
            self.refused["cut"] += 1
        finally:
            if writer is not None:
                writer.close()
        return last, wait

    def _hear(self, index: int, said: dict[str, object], *, came_back: bool) -> None:
        if "price" in said:
            number = int(str(said["price"]))
            self.backwards += number < self.newest[index]
            self.newest[index] = number
        elif said.get("event") == "status" and came_back:
            self.modes[str(said["mode"])] += 1


class Requests(Closing):
    """One request after the other, each on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.answers: Counter[object] = Counter()
        self._url = url
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            try:
                self.answers[httpx.get(self._url, timeout=20, verify=NO_TLS).status_code] += 1
            except httpx.TransportError as error:
                self.answers[repr(error)] += 1
