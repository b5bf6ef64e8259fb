"""GET /status: how every process of this relay is, for people. Who may ask is for Access to say."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request
from msgspec.structs import asdict

from relay.fanout.hub import Hub
from relay.presence import MAX_EVENTS, Occurrence, Presence
from relay.web.answer import json_response
from relay.web.hops import hops
from relay.web.pages import page, wants_page

#: All processes that live, and why that may not be all of them, or nothing.
Roll = Callable[[], tuple[list[Presence], str]]


def nobody() -> tuple[list[Presence], str]:
    """For a site that knows of no processes."""
    return [], ""


def blueprint(hub: Hub, present: Roll, in_process: bool) -> Blueprint:
    """The route. `in_process`: whether the listener's part runs in this process, and there is no Redis."""
    routes = Blueprint("status", __name__)

    @routes.get("/status")
    def status() -> Response:
        processes, missing = present()
        processes.sort(key=lambda one: (one.role, one.name))
        way = hops(hub, processes, missing)
        if in_process:
            way = [hop for hop in way if hop.name not in ("listener", "redis")]
        events = newest_events(processes)
        shown: dict[str, Any] = {
            "processes": processes,
            "refused": _refused(processes),
            "missing": missing,
        }
        if wants_page(request):
            return page("status.html", hub, hops=way, events=events, **shown)
        shown["hops"] = [hop._asdict() for hop in way]
        shown["events"] = [{"process": name} | asdict(event) for name, event in events]
        return json_response({"time": hub.health.now()} | shown)

    return routes


def _refused(processes: list[Presence]) -> dict[str, int]:
    """How often each limit was reached, in all processes."""
    total: Counter[str] = Counter()
    for one in processes:
        total.update(one.refused)
    return dict(total.most_common())


def newest_events(processes: list[Presence]) -> list[tuple[str, Occurrence]]:
    """What happened last in any of them, the newest first, with the process's name."""
    events = [(one.name, event) for one in processes for event in reversed(one.events)]
    events.sort(key=lambda each: each[1].time, reverse=True)
    return events[:MAX_EVENTS]
