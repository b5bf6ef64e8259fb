"""Desk: where REST calls arrive. It counts them, and lets the faults have their way with them."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from relay.simulator.answer import Answer
from relay.simulator.faults import Faults
from relay.simulator.rest import Rest
from relay.simulator.tally import Tally
from relay.simulator.weight import Weight

KLINES = "/api/v3/klines"

#: Seconds between looks whether a caller who is not answered has given up.
_LOOK = 0.05


class Desk:
    """Answers the paths below `/api/`."""

    def __init__(
        self, rest: Rest, faults: Faults, tally: Tally, weight: Weight, delay: float
    ) -> None:
        """`delay`: seconds, under the faults `rest-slow` and `klines-slow`."""
        self._rest = rest
        self._faults = faults
        self._tally = tally
        self._weight = weight
        self._delay = delay

    async def answer(self, target: str, is_gone: Callable[[], bool]) -> Answer | None:
        """Answer the path and query of a GET; None if the caller has gone, unanswered."""
        path = urlsplit(target).path
        self._tally.rest_calls[path] += 1
        klines = path == KLINES
        answer = self._faults.refusal(rest=True, klines=klines) or self._weight.ban()
        if answer is None:
            if self._faults.acts("slow", klines):
                await asyncio.sleep(self._delay)
            while self._faults.acts("silent", klines):
                if is_gone():
                    return None
                await asyncio.sleep(_LOOK)
            answer = self._weighed(target, path)
        status, body, headers = answer
        return status, body, headers | {"X-MBX-USED-WEIGHT-1M": str(self._weight.used)}

    def _weighed(self, target: str, path: str) -> Answer:
        weight, answer = self._rest.answer(target)
        refused = self._weight.spend(weight)
        if refused is not None:
            return refused
        self._tally.rest_weights[path] += weight
        return self._faults.spoil(answer, klines=path == KLINES)
