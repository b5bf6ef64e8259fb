"""Api: one REST API of the exchange: asks it, and keeps account of what that costs.

Facts are from Binance's Spot documentation, rest-api.md.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

import msgspec

from relay.clock import SYSTEM, Clock
from relay.exchange import http_limits
from relay.exchange.failure import retry_after, said
from relay.exchange.simulated import HEADER
from relay.exchange.values import UNDECODABLE
from relay.exchange.weight import Weight

#: Seconds for a whole answer, which usually takes less than one.
ANSWER_SECONDS = 10.0
#: Seconds to wait after HTTP 418 or 429 where the answer does not say how long.
BANNED_SECONDS = 120.0
#: APIs whose accounts are kept; a simulator has another address each time that it starts.
MAX_APIS = 16

#: Seconds from our clock within which the Date of an answer is believed.
DATE_SECONDS = 86_400

_USED = "X-MBX-USED-WEIGHT-1M"
#: Digits of a weight that is believed.
_USED_DIGITS = 9
#: Characters of a Date that are looked at; one has 29.
_DATE_CHARACTERS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: No number of an error of the exchange's is beyond it.
_MAX_CODE = 99_999

_Decoded = TypeVar("_Decoded")


class RestError(Exception):
    """No usable answer; says why in a few words."""

    def __init__(
        self, reason: str, retry_after: float = 0.0, *, status: int = 0, code: int = 0
    ) -> None:
        super().__init__(reason)
        #: Seconds for which nothing should be asked again.
        self.retry_after = retry_after
        #: The HTTP status, where that is what is wrong; and the exchange's own number of the error, or 0.
        self.status = status
        self.code = code


class Answer(NamedTuple):
    """What an API said."""

    body: bytes
    #: Whether a simulator sent it.
    simulated: bool
    #: When it said so by its own clock, in milliseconds since 1970, down to the second; None where it does
    #: not tell, or where that is further than DATE_SECONDS from ours.
    date: int | None


class _Wrong(msgspec.Struct):
    """The body of an answer with HTTP 400."""

    code: int = 0


_decode_wrong = msgspec.json.Decoder(_Wrong).decode


class Api:
    """One API, and its account."""

    def __init__(self, base: str, clock: Clock = SYSTEM) -> None:
        """`base`: its URL, without a path."""
        self.base = base
        self._clock = clock
        self.weight = Weight(clock)

    def get(self, path: str, weight: int, most: int) -> Answer:
        """The answer to this path, of at most `most` bytes. `weight` is what the call costs.

        Raises RestError. It does not wait: whoever asks has looked at the account.
        """
        late = RestError(f"no answer within {ANSWER_SECONDS:g} s")
        spent = self.weight.spend(weight)
        used = None
        try:
            body, headers = http_limits.get(self.base + path, ANSWER_SECONDS, most, late)
            used = _used(headers)
        except http_limits.StatusError as error:
            used = _used(error.headers)
            raise self._refused(error) from error
        except http_limits.ERRORS as error:
            raise RestError(said(error)) from error
        finally:
            self.weight.settle(spent, used)
        return Answer(body, HEADER in headers, _date(headers, self._clock.wall_ms()))

    def _refused(self, error: http_limits.StatusError) -> RestError:
        wait = retry_after({name.lower(): value for name, value in error.headers.items()})
        if error.status in (418, 429):
            wait = wait or BANNED_SECONDS
            self.weight.ban(wait)
        verb = "redirected" if 300 <= error.status < 400 else "refused"
        code = _code(error.reason)
        reason = f"{verb} with HTTP {error.status}" + (f", error {code}" if code else "")
        return RestError(reason, wait, status=error.status, code=code)


class Apis:
    """The APIs that are asked, each with one account for all who ask it."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._apis: dict[str, Api] = {}

    @property
    def used(self) -> int:
        """What is spent of this minute at the API where that is most."""
        return max((api.weight.used for api in self._apis.values()), default=0)

    def of(self, base: str) -> Api:
        """The API at this URL. Of those above MAX_APIS the one asked for longest ago is forgotten."""
        api = self._apis.pop(base, None) or Api(base, self._clock)
        self._apis[base] = api
        while len(self._apis) > MAX_APIS:
            del self._apis[next(iter(self._apis))]
        return api


def decoded(decode: Callable[[bytes], _Decoded], body: bytes) -> _Decoded:
    """What a body says. Raises RestError."""
    try:
        return decode(body)
    except UNDECODABLE as error:
        raise RestError(f"an answer that makes no sense: {said(error)}") from error


def _used(headers: Message) -> int | None:
    value = headers.get(_USED, "").strip()
    believed = value.isascii() and value.isdecimal() and len(value) <= _USED_DIGITS
    return int(value) if believed else None


def _date(headers: Message, now: int) -> int | None:
    """What the Date header says, if that can be believed at this time; all in milliseconds."""
    try:
        date = parsedate_to_datetime(headers.get("Date", "")[:_DATE_CHARACTERS])
    except (ValueError, OverflowError):
        return None
    # HTTP knows no other zone than UTC.
    told = (date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH
    milliseconds = told // timedelta(milliseconds=1)
    return milliseconds if abs(milliseconds - now) <= DATE_SECONDS * 1000 else None


def _code(reason: bytes) -> int:
    try:
        code = _decode_wrong(reason).code
    except UNDECODABLE:
        return 0
    return code if abs(code) <= _MAX_CODE else 0
