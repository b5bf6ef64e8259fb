"""Faults: everything an exchange was ever seen to do wrong, by name.

To add one: a line in `TABLE`, and where it acts. Refusals need only a line in `_REFUSALS` or
`_REST_REFUSALS`; what distorts messages acts in `Faults.distort`; what happens to connections
(`MOMENTARY`, `half-open`, `mid-frame`) and to requests (`subscribe-error`, `slow-handshake`) acts in
exchange.py, what delays REST in desk.py, and `fragmented` in client.py. A fault of REST is named
`rest-...`; the same of /api/v3/klines alone `klines-...`.
"""

import itertools
import json
import re
from collections.abc import Iterator

from relay.simulator.answer import Answer
from relay.simulator.rows_junk import KLINES_JUNK

TABLE = {
    "silent": "data stops; pings, ACKs and new connections go on",
    "ack-only": "connects and acknowledges, as a retired stream does, and never sends data",
    "retired": "!miniTicker@arr and the like go on as under ack-only; streams of one symbol deliver",
    "subscribe-error": "every SUBSCRIBE is answered with an error, and subscribes to nothing",
    "half-open": "nothing is read or written any more; TCP stays up",
    "mid-frame": "half a frame, then nothing is written ever after; TCP stays up; new ones likewise",
    "junk-only": "what garbage sends after each frame comes instead of it",
    "garbage": "binary junk, truncated JSON, an unknown event or wrong types after each frame",
    "duplicate": "every frame is sent twice",
    "older": "every fifth frame is followed by one a minute older, with another price",
    "fragmented": "messages come in many small fragments",
    "slow-handshake": "the handshake is answered only after --handshake-delay",
    "refuse-403": "HTTP 403, as Binance's firewall answers",
    "refuse-418": "HTTP 418 with Retry-After: banned",
    "refuse-429": "HTTP 429 with Retry-After: too many requests",
    "refuse-451": "HTTP 451: not available in this country",
    "refuse-503": "HTTP 503: maintenance",
    "rest-418": "REST alone: HTTP 418 with Retry-After",
    "rest-429": "REST alone: HTTP 429 with Retry-After",
    "rest-down": "REST alone: HTTP 503",
    "rest-junk": "REST alone: HTTP 200 with half of the JSON",
    "rest-silent": "REST alone: calls are accepted and not answered while this lasts",
    "rest-slow": "REST alone: answers come only after --rest-delay",
    "klines-418": "klines alone: HTTP 418 with Retry-After",
    "klines-429": "klines alone: HTTP 429 with Retry-After",
    "klines-down": "klines alone: HTTP 503",
    "klines-junk": "klines alone: HTTP 200 with rows that nobody could use, of another sort each time",
    "klines-silent": "klines alone: calls are accepted and not answered while this lasts",
    "klines-slow": "klines alone: answers come only after --rest-delay",
    "drop": "every connection is reset (RST) at once; new ones are welcome",
    "close": "every connection is closed with 1001 at once; new ones are welcome",
    "shutdown": "every connection is told serverShutdown, and closed --shutdown-notice later",
}

#: These happen once and are over; they are never active.
MOMENTARY = frozenset({"drop", "close", "shutdown"})

#: What is refused altogether, and what only to REST, with which HTTP status.
_REFUSALS = {
    "refuse-403": 403,
    "refuse-418": 418,
    "refuse-429": 429,
    "refuse-451": 451,
    "refuse-503": 503,
}
_REST_REFUSALS = {"rest-418": 418, "rest-429": 429, "rest-down": 503}
_KLINES_REFUSALS = {"klines-418": 418, "klines-429": 429, "klines-down": 503}

_BODIES = {
    403: "<html><body><h1>403 Forbidden</h1></body></html>",
    418: '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1790000000000."}',
    429: '{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request weight '
    'per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."}',
    451: '{"code":0,"msg":"Service unavailable from a restricted location according to '
    "'b. Eligibility' in https://www.binance.com/en/terms.\"}",
    503: '{"code":-1,"msg":"Service unavailable."}',
}

_JUNK: tuple[tuple[bytes, bool], ...] = (
    (bytes(range(256)), False),
    (b'[{"e":"24hrMiniTicker","E":17000000', True),
    (b'{"e":"neverHeardOf","E":1700000000000,"s":"BTCUSDT","x":[1,2,{"y":null}]}', True),
    (b'[{"e":"24hrMiniTicker","E":"soon","s":["BTCUSDT"],"c":null,"o":{},"h":1,"l":true}]', True),
    (b"[[],{},null,17,[]]", True),
    (b'{"e":"24hrMiniTicker","E":1700000000000,"s":"BTCUSDT","c":"not a number"}', True),
    (b"", True),
    (b'"BTCUSDT"', True),
)

_EVENT_TIME = re.compile(rb'"E":(\d{13})')
_PRICE = re.compile(rb'("[cpwbaohl]":")([0-9.]+)')
_OTHER_DIGITS = bytes.maketrans(b"0123456789", b"1234567890")
_OLDER_BY = 60_000  # ms
_OLDER_EVERY = 5  # frames


def refusal(status: int, retry_after: int) -> Answer:
    """Return how Binance refuses with a status; `retry_after` (seconds) is told with 418 and 429."""
    headers = {"Retry-After": str(retry_after)} if status in (418, 429) else {}
    return status, _BODIES[status], headers


class Faults:
    """Which faults are active. Those that concern messages and handshakes are applied here."""

    def __init__(self, retry_after: int = 5) -> None:
        self.active: set[str] = set()
        self.retry_after = retry_after  # seconds
        self._junk = itertools.cycle(_JUNK)
        self._rows_junk = itertools.cycle(KLINES_JUNK)
        self._count = itertools.count(1)

    def mute(self, stream: str) -> bool:
        """Return whether a stream's data is withheld."""
        if "retired" in self.active and stream.startswith("!"):
            return True
        return not self.active.isdisjoint(("silent", "ack-only"))

    def refusal(self, *, rest: bool, klines: bool = False) -> Answer | None:
        """Return status, body and headers of the refusal that is active, if one is."""
        refusals = _REFUSALS | _REST_REFUSALS if rest else _REFUSALS
        refusals = refusals | _KLINES_REFUSALS if klines else refusals
        for name in self.active & refusals.keys():
            return refusal(refusals[name], self.retry_after)
        return None

    def acts(self, what: str, klines: bool) -> bool:
        """Return whether REST, or klines alone, has a fault: `slow` or `silent`."""
        return f"rest-{what}" in self.active or (klines and f"klines-{what}" in self.active)

    def spoil(self, answer: Answer, *, klines: bool = False) -> Answer:
        """Return what REST says instead of an answer."""
        status, body, headers = answer
        if "rest-junk" in self.active:
            return status, body[: len(body) // 2], headers
        if klines and "klines-junk" in self.active and status == 200:
            return status, next(self._rows_junk)(json.loads(body)), headers
        return answer

    def distort(self, message: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield what is sent in place of one message; the flag tells text from binary."""
        if "junk-only" in self.active:
            yield next(self._junk)
            return
        yield message, True
        if "duplicate" in self.active:
            yield message, True
        if "older" in self.active and next(self._count) % _OLDER_EVERY == 0:
            yield _older(message), True
        if "garbage" in self.active:
            yield next(self._junk)


def _older(message: bytes) -> bytes:
    message = _EVENT_TIME.sub(lambda m: b'"E":%d' % (int(m[1]) - _OLDER_BY), message)
    return _PRICE.sub(lambda m: m[1] + m[2].translate(_OTHER_DIGITS), message)
