"""Hops: the way of a price, step by step, in the words of /status."""

from typing import NamedTuple

from relay.amount import amount
from relay.batch import STALE_SECONDS
from relay.fanout.health import Verdict
from relay.fanout.hub import Hub
from relay.presence import Presence

#: The hops that a price passes after the exchange.
_NEARER = ("listener", "redis", "worker")


class Hop(NamedTuple):
    """A step on the way of a price."""

    name: str
    #: Whether it is not the one to blame; None where nobody here can know.
    is_well: bool | None
    said: str


def hops(hub: Hub, processes: list[Presence], missing: str) -> list[Hop]:
    """From the exchange to this worker. `missing`: why others may be missing among the processes."""
    verdict = hub.verdict()
    blamed = verdict.hop
    # Where nothing reaches us, what lies behind is not known.
    beyond = None if blamed in _NEARER else True
    is_heard = hub.health.silent <= STALE_SECONDS
    writes = True if is_heard else None
    redis = missing or (verdict.reason.removeprefix("redis: ") if blamed == "redis" else "well")
    return [
        Hop("exchange", beyond and blamed != "exchange", _exchange(verdict)),
        Hop(
            "listener",
            writes if blamed != "listener" else False,
            _listener(hub, verdict, processes, missing),
        ),
        Hop("redis", blamed != "redis" and not missing, redis),
        Hop("worker", blamed != "worker", _worker(hub, processes, missing)),
    ]


def _exchange(verdict: Verdict) -> str:
    source = verdict.source or "no source"
    if verdict.age is None:
        return f"{source}, no data yet"
    known = " here" if verdict.hop in _NEARER else ""
    return f"{source}, newest data{known} {verdict.age:.1f} s old"


def _listener(hub: Hub, verdict: Verdict, processes: list[Presence], missing: str) -> str:
    silent = hub.health.silent
    was_heard = hub.health.heard.is_set()
    said = [
        _leader(processes, missing, silent > STALE_SECONDS),
        f"heard {silent:.1f} s ago" if was_heard else "not heard yet",
    ]
    if was_heard and silent <= STALE_SECONDS:
        standbys = verdict.standbys
        one = "1 stands by" if standbys == 1 else f"{standbys} stand by"
        said.append(one if standbys else "none stands by")
    return "; ".join(said)


def _leader(processes: list[Presence], missing: str, is_silent: bool) -> str:
    """Who writes. One that has just died is still listed; whoever took over is further on."""
    leaders = [one for one in processes if one.role == "listener" and one.leading]
    if not leaders:
        return "not known which one writes" if missing else "none known that writes"
    newest = max(leaders, key=lambda one: _order(one.version))
    did = "wrote last" if is_silent else "writes"
    return f"{newest.name} {did}, at {newest.version}"


def _order(version: str) -> tuple[str, int]:
    """Epochs begin with the time at which they began."""
    epoch, _, number = version.rpartition("-")
    return epoch, int(number) if number.isdecimal() else 0


def _worker(hub: Hub, processes: list[Presence], missing: str) -> str:
    workers = [one for one in processes if one.role == "worker"]
    streams = amount(sum(one.streams for one in workers), "stream")
    if missing:
        return f"this one with {streams}, at {hub.board.id}; others are not known"
    return f"{len(workers)} with {streams}; this one at {hub.board.id}"
