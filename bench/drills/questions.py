"""Questions: requests that are asked again and again, and how they were answered."""

import http.client
import threading
import time
from collections import Counter
from typing import Self

#: Between two requests of each of the two who ask.
_ASK_SECONDS = 0.05


class Questions:
    """Two who ask for a price again and again: one on connections of their own, one on a kept one."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[str] = Counter()
        #: Seconds that the slowest answer took.
        self.slowest = 0.0
        self._port = port
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(kept,)) for kept in (True, False)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, kept: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._over.wait(_ASK_SECONDS):
            asked = time.monotonic()
            try:
                connection.request("GET", "/api/prices/C0001USDT")
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection.close()
            self.slowest = max(self.slowest, time.monotonic() - asked)
            if not kept:
                connection.close()
        connection.close()
