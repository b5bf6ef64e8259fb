"""Recording: files of Binance payloads in every form people have kept them in.

    <receive time> <frame as received>            the relay's listener, hftbacktest
    <url> ... then <receive time s>: {"stream":..,"data":..}            cryptofeed 2
    {"t":"recv","ts":<s>,"data":"<frame>"}        cryptofeed 3; header, http and connect are skipped
    {"time":<time>,"stream":..,"data":..}         what --record writes
    {"stream":..,"data":..}  or  [{..},..]  or  {"e":..}         frames as they came, without a time
    {"src":..,"msg":<frame>}                      annotated single messages

A time is a number since 1970 of seconds, milliseconds, microseconds or nanoseconds: its size tells which.
Any of them may be gzipped. A line's payload is cut out of it, never decoded and encoded again: its
bytes stay what they were. Among frames as received may be some that belong to no stream, or are no
JSON; they are replayed as well.
"""

import heapq
import json
import logging
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from relay.simulator.lines import lines
from relay.simulator.seen import kind_of

log = logging.getLogger(__name__)

_RECEIVED = re.compile(rb"^(\d{9,20}) (.*)$", re.DOTALL)
_RECEIVED_WRAPPED = re.compile(rb'^(\d{9,20}) \{"stream":"([^"]+)","data":(.*)\}$')
_CRYPTOFEED = re.compile(rb"^(\d{9,20}(?:\.\d+)?): (.*)$")
_WRAPPED = re.compile(rb'^\{(?:"time":(\d+),)?"stream":"([^"]+)","data":(.*)\}$')
_ANNOTATED = re.compile(rb'^\{"src":.*?"msg":(.*)\}$')
_EVENT_TIME = re.compile(rb'"E":(\d{1,20})(?=[,}])')
_SYMBOL = re.compile(rb'"s":"([^"]+)"')
_INTERVAL = re.compile(rb'"i":"([^"]+)"')

#: How a bare payload of a known stream begins.
_BARE = (b'{"e":"', b'{"u":', b"[{")

#: How an ACK or a REST snapshot of the order book begins: answers to whoever recorded, not data.
_ANSWERS = (b'{"result":', b'{"lastUpdateId":')

#: How a header of cryptofeed 2 begins.
_HEADERS = (b"ws://", b"wss://", b"http://", b"https://")

#: A time below this is not in nanoseconds: they reached it in 1973.
_FIRST_NANOSECOND = 10**17

#: Bytes of a line that are shown.
_SHOWN = 100

#: Kinds whose stream is not named as the event is.
_STREAMS = {"24hrMiniTicker": "miniTicker", "24hrTicker": "ticker", "depthUpdate": "depth"}


class Line(NamedTuple):
    """One recorded payload, the stream it came on, and when: ns since 1970.

    Without a stream it is a frame as received that nobody can make sense of.
    """

    time: int
    stream: str | None
    payload: bytes


class UnreadableError(ValueError):
    """A line is in none of the forms."""


def files(path: Path) -> list[Path]:
    """Return the recordings that a path stands for: itself, or all files in a directory."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    inside = (item for item in path.rglob("*") if item.is_file())
    return sorted(item for item in inside if not item.name.startswith("."))


def first_line_of_unreadable(path: Path) -> str | None:
    """Return the first line of a file that has some, of which none can be read; None for any other.

    No more is read of it than its first payload.
    """
    first = None
    for raw in lines(path):
        try:
            if _parse(raw) is not None:
                return None
        except UnreadableError:
            first = first or raw
    return None if first is None else _shown(first)


def read(paths: list[Path]) -> Iterator[Line]:
    """Yield the payloads of all files in the order of their times, a line at a time.

    A line without a payload (an ACK, a REST answer, a header) is skipped. One that cannot be read is
    skipped and counted; the log says how many there were in a file, at its end.
    """
    return heapq.merge(*map(_read, paths), key=itemgetter(0))


def _read(path: Path) -> Iterator[Line]:
    time = payloads = unread = 0
    first = b""
    for raw in lines(path):
        try:
            line = _parse(raw)
        except UnreadableError:
            first = first or raw
            unread += 1
            continue
        if line is None:
            continue
        # Times never run backwards in a file, whatever its clock did; heapq.merge relies on it.
        if line.time < time:
            line = line._replace(time=time)
        time = line.time
        payloads += 1
        yield line
    if unread:
        log.warning(
            "%s: %d lines could not be read, and %d could; the first of them: %s",
            path,
            unread,
            payloads,
            _shown(first),
        )
    elif not payloads:
        log.warning("%s holds nothing to replay", path)


def _shown(raw: bytes) -> str:
    return ascii(raw[:_SHOWN].decode(errors="replace"))


def _parse(raw: bytes) -> Line | None:
    """Return what a line holds; None if that is nothing to replay. Raise UnreadableError."""
    if match := _RECEIVED_WRAPPED.match(raw):
        return Line(_nanoseconds(match[1]), match[2].decode(errors="replace"), match[3])
    if match := _RECEIVED.match(raw):
        frame = match[2]
        if frame.startswith(_ANSWERS):
            return None
        return Line(_nanoseconds(match[1]), _stream_of(frame), frame)
    return _parse_other(raw.strip())


def _parse_other(raw: bytes) -> Line | None:
    time = None
    if match := _CRYPTOFEED.match(raw):
        time, raw = _nanoseconds(match[1]), match[2]
    elif raw.startswith(b'{"t":'):
        try:
            envelope = json.loads(raw)
            if envelope["t"] != "recv":
                return None
            time, raw = _nanoseconds(str(envelope["ts"]).encode()), envelope["data"].encode()
        except (ValueError, KeyError, AttributeError, RecursionError) as error:
            raise UnreadableError from error
    elif match := _ANNOTATED.match(raw):
        raw = match[1]
    if match := _WRAPPED.match(raw):
        time = _nanoseconds(match[1]) if match[1] else time
        stream: str | None = match[2].decode(errors="replace")
        payload = match[3]
    else:
        stream, payload = _stream_of(raw), raw
    if stream is None:
        if not raw or raw.startswith(_ANSWERS + _HEADERS):
            return None
        raise UnreadableError
    return Line(_event_time(payload) if time is None else time, stream, payload)


def _nanoseconds(said: bytes) -> int:
    """Return a time in ns that was said in s, ms, us or ns, perhaps with a fraction."""
    whole, _, fraction = said.partition(b".")
    time, unit = int(whole), 1
    while 0 < time < _FIRST_NANOSECOND:
        time, unit = time * 1000, unit * 1000
    return time + int(fraction[:9].ljust(9, b"0")) * unit // 10**9


def _event_time(payload: bytes) -> int:
    """Return the newest E in ns: a frame cannot have been sent before. 0 if there is none."""
    return max(map(_nanoseconds, _EVENT_TIME.findall(payload)), default=0)


def _stream_of(payload: bytes) -> str | None:
    """Return the stream a bare payload must have come on; None if it is not one."""
    if not payload.startswith(_BARE):
        return None
    if payload.startswith(b"[{"):
        kind = kind_of(payload[1:])
        return f"!{_name(kind)}@arr" if kind.endswith("Ticker") else None
    kind, symbol = kind_of(payload), _SYMBOL.search(payload)
    if kind == "serverShutdown":
        return "!serverShutdown"
    if not kind or symbol is None:
        return None
    lower = symbol[1].lower().decode()  # bytes.lower() touches ASCII only
    interval = _INTERVAL.search(payload)
    suffix = f"_{interval[1].decode()}" if kind == "kline" and interval else ""
    return f"{lower}@{_name(kind)}{suffix}"


def _name(kind: str) -> str:
    if kind in ("1hTicker", "4hTicker", "1dTicker"):
        return f"ticker_{kind[:2]}"
    return _STREAMS.get(kind, kind)
