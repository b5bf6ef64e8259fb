"""Values: what one field of the exchange's may be. Each is checked before it gets any further.

Each function returns the value, or None where there is none, or none that can be believed; that one it
adds to `bad`.
"""

import re

import msgspec

from relay.ticker import MAX_COUNT, PRICE

#: A time from here on is in microseconds (`?timeUnit=MICROSECOND`), not milliseconds. Milliseconds
#: reach it in the year 5138.
FIRST_MICROSECOND = 10**14
#: A number from here on is no time in either unit.
_FIRST_NO_TIME = 10**17
#: What a decoder of JSON raises. ValueError: text that is not UTF-8, or a number of thousands of digits.
#: RecursionError: nesting deeper than the decoder goes.
UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)


def decimal(value: object, bad: list[object], pattern: re.Pattern[str] = PRICE) -> str | None:
    """A decimal as received."""
    if value is None or (isinstance(value, str) and pattern.fullmatch(value)):
        return value
    bad.append(value)
    return None


def count(value: object, bad: list[object]) -> int | None:
    """An id or a number. `true` is none."""
    if value is None or (type(value) is int and 0 <= value <= MAX_COUNT):
        return value
    bad.append(value)
    return None


def milliseconds(value: object, bad: list[object]) -> int | None:
    """A time in milliseconds since 1970."""
    if value is None:
        return None
    if type(value) is int and 0 <= value < _FIRST_NO_TIME:
        return value if value < FIRST_MICROSECOND else value // 1000
    bad.append(value)
    return None
