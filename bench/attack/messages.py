"""Attacks over WebSocket: what a client says."""

import json
import random
import zlib
from collections.abc import Iterator
from itertools import cycle

from bench.attack.attack import MANY, Field, attack, get
from bench.attack.target import NAMES

_UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
#: As many as one client may name.
_MOST = 512


def _shake(path: str = "/ws?symbols=BTCUSDT", *fields: str, method: str = "GET") -> bytes:
    return get(path, *_UPGRADE, *fields, method=method)


def _frame(first: int, payload: bytes) -> bytes:
    """A frame whose mask is zero."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + b"\0\0\0\0" + payload


def _say(**command: object) -> bytes:
    return _frame(0x81, json.dumps(command, separators=(",", ":")).encode())


def _flips() -> Iterator[bytes]:
    names = NAMES[:_MOST]
    return cycle([_say(op="unsubscribe"), _say(op="subscribe", symbols=names)])


def _odd_rate(number: int) -> bytes:
    return _shake(f"/ws?rate={50 + (number + 1) / 10_000:.4f}")


@attack()
def flips(field: Field) -> None:
    """4 clients take and leave 512 symbols, 19 times a second."""
    field.open(4, _shake(), drip=_flips, every=1 / 19)


@attack()
def talkative(field: Field) -> None:
    """900 clients of one address take and leave 512 symbols, as fast as they are heard."""
    field.open(900, _shake(), drip=_flips, every=1.0)


@attack()
def rates(field: Field) -> None:
    """500 clients of one address ask for a rate each: 50.0001, 50.0002, ..."""
    field.open(500, _odd_rate)


@attack()
def rates_of_many(field: Field) -> None:
    """500 clients of 250 addresses ask for a rate each: 50.0001, 50.0002, ..."""
    field.open(500, _odd_rate, sources=MANY)


@attack()
def random_symbols(field: Field) -> None:
    """30 clients name 512 symbols each, no two the same."""

    def names(number: int) -> bytes:
        chosen = ",".join(random.Random(number).sample(NAMES, _MOST))
        return _shake(f"/ws?symbols={chosen}")

    field.open(30, names)


@attack(share=0.4, most={"101 error": 0})
def nested(field: Field) -> None:
    """50 clients send JSON that is nested 16,000 deep, again and again."""
    field.open(50, _shake() + _frame(0x81, b'{"x":' + b"[" * 16_000), again=True)


@attack(share=0.3, most={"101": 0, "200": 0})
def upgrade_by_head(field: Field) -> None:
    """HEAD and POST on /ws with Upgrade, and frames behind it."""
    methods = ("HEAD", "POST")
    field.open(20, lambda number: _shake(method=methods[number % 2]) + _say(op="ping"))


@attack()
def pings(field: Field) -> None:
    """10 clients send pings of 125 bytes as fast as they are taken."""
    field.open(10, _shake(), drip=_frame(0x89, b"p" * 125) * 100, again=True)


@attack()
def fragments(field: Field) -> None:
    """10 clients send messages in fragments of one byte, as fast as they are taken."""
    message = _frame(0x01, b" ") + _frame(0x00, b" ") * 100 + _frame(0x80, b"x")
    field.open(10, _shake(), drip=message * 10, again=True)


@attack()
def bombs(field: Field) -> None:
    """10 clients send 30 KB that inflate to 30 MB, again and again."""
    compressor = zlib.compressobj(9, wbits=-15)
    bomb = compressor.compress(b" " * 30_000_000) + compressor.flush(zlib.Z_SYNC_FLUSH)
    # Only who wants everything is offered compression.
    request = _shake("/ws", _DEFLATE)
    field.open(10, request + _frame(0xC1, bomb[:-4]), again=True)


ALL = (
    *(flips, talkative, rates, rates_of_many, random_symbols, nested, upgrade_by_head),
    *(pings, fragments, bombs),
)
