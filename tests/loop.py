"""An event loop in a thread of its own, as Playwright's runs in the tests' own while a browser is there."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


def run(coroutine: Coroutine[object, object, Answer]) -> Answer:
    """What it returns, or raises."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
