"""Recording: files of Binance payloads in every form people have kept them in.

    <receive time ns> <frame as received>         the relay's listener, hftbacktest
    <url> ... then <receive time s>: {"stream":..,"data":..}            cryptofeed 2
    {"t":"recv","ts":<s>,"data":"<frame>"}        cryptofeed 3; header, http and connect are skipped
    {"time":<ns>,"stream":..,"data":..}           what --record writes
    {"stream":..,"data":..}  or  [{..},..]  or  {"e":..}         frames as they came, without a time
    {"src":..,"msg":<frame>}                      annotated single messages

Any of them may be gzipped. A line's payload is cut out of it, never decoded and encoded again: its
bytes stay what they were. Among frames as received may be some that belong to no stream, or are no
JSON; they are replayed as well.
"""

import heapq
import json
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from relay.simulator.lines import lines
from relay.simulator.seen import kind_of

_RECEIVED_NS = re.compile(rb"^(\d{19}) (.*)$", re.DOTALL)
_RECEIVED_WRAPPED = re.compile(rb'^(\d{19}) \{"stream":"([^"]+)","data":(.*)\}$')
_RECEIVED_S = re.compile(rb"^(\d+\.\d+): (.*)$")
_WRAPPED = re.compile(rb'^\{(?:"time":(\d+),)?"stream":"([^"]+)","data":(.*)\}$')
_ANNOTATED = re.compile(rb'^\{"src":.*?"msg":(.*)\}$')
_EVENT_TIME = re.compile(rb'"E":(\d+)')
_SYMBOL = re.compile(rb'"s":"([^"]+)"')
_INTERVAL = re.compile(rb'"i":"([^"]+)"')

#: How a bare payload of a known stream begins.
_BARE = (b'{"e":"', b'{"u":', b"[{")

#: How an ACK or a REST snapshot of the order book begins: answers to whoever recorded, not data.
_ANSWERS = (b'{"result":', b'{"lastUpdateId":')

#: Kinds whose stream is not named as the event is.
_STREAMS = {"24hrMiniTicker": "miniTicker", "24hrTicker": "ticker", "depthUpdate": "depth"}


class Line(NamedTuple):
    """One recorded payload, the stream it came on, and when: ns since 1970.

    Without a stream it is a frame as received that nobody can make sense of.
    """

    time: int
    stream: str | None
    payload: bytes


def files(path: Path) -> list[Path]:
    """Return the recordings that a path stands for: itself, or all files in a directory."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    inside = (item for item in path.rglob("*") if item.is_file())
    return sorted(item for item in inside if not item.name.startswith("."))


def read(paths: list[Path]) -> Iterator[Line]:
    """Yield the payloads of all files in the order of their times, a line at a time.

    A line without a payload (an ACK, a REST answer, a header) is skipped.
    """
    return heapq.merge(*map(_read, paths), key=itemgetter(0))


def _read(path: Path) -> Iterator[Line]:
    time = 0
    for raw in lines(path):
        line = _parse(raw)
        if line is None:
            continue
        # Times never run backwards in a file, whatever its clock did; heapq.merge relies on it.
        if line.time < time:
            line = line._replace(time=time)
        time = line.time
        yield line


def _parse(raw: bytes) -> Line | None:
    if match := _RECEIVED_WRAPPED.match(raw):
        return Line(int(match[1]), match[2].decode(errors="replace"), match[3])
    if match := _RECEIVED_NS.match(raw):
        frame = match[2]
        return None if frame.startswith(_ANSWERS) else Line(int(match[1]), _stream_of(frame), frame)
    return _parse_other(raw.strip())


def _parse_other(raw: bytes) -> Line | None:
    time = None
    if match := _RECEIVED_S.match(raw):
        time, raw = int(float(match[1]) * 1e9), match[2]
    elif raw.startswith(b'{"t":'):
        envelope = json.loads(raw)
        if envelope["t"] != "recv":
            return None
        time, raw = int(float(envelope["ts"]) * 1e9), envelope["data"].encode()
    elif match := _ANNOTATED.match(raw):
        raw = match[1]
    if match := _WRAPPED.match(raw):
        time = int(match[1]) if match[1] else time
        stream: str | None = match[2].decode()
        payload = match[3]
    else:
        stream, payload = _stream_of(raw), raw
    if stream is None:
        return None
    return Line(_event_time(payload) if time is None else time, stream, payload)


def _event_time(payload: bytes) -> int:
    """Return the newest E in ns: a frame cannot have been sent before. 0 if there is none."""
    newest = max(map(int, _EVENT_TIME.findall(payload)), default=0)
    return newest * (1_000 if newest > 1e14 else 1_000_000)


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
