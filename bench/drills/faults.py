"""An exchange misbehaves while a second one stands ready: how long until prices come from that one?

And once the first is well again, how long until they come from it. Limits of silence are the relay's
own: 10 s for the whole market. A source that refused with 451 is asked again after five minutes. The
first one was read for moments only when it misbehaves: if the relay leaves such a source alone for a
while, then that is in the time until prices come from it again.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

from bench.drills.programs import Listener, Simulator, Workers
from bench.drills.report import Report
from bench.feed import RedisServer
from bench.process import ROOT

#: By name: what is set. A refusal alone would not end the connection that is there.
_FAULTS = {
    **{name: (name,) for name in ("silent", "ack-only", "half-open", "drop", "garbage")},
    **{name: (name,) for name in ("mid-frame", "junk-only")},
    "refuse-451": ("refuse-451", "drop"),
}
#: Of these the first exchange gets over by itself, and it may go on as the source.
_HARMLESS = ("drop", "garbage")
_MARKET = ("--symbols", "100", "--activity", "1")
_LOOK_SECONDS = 0.02
_START_SECONDS = 20.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    add = parser.add_argument
    add("--faults", default=",".join(_FAULTS), help="comma-separated (all)")
    add("--leave", type=float, default=20.0, help="it must have gone over within seconds (20)")
    add("--stay", type=float, default=5.0, help="the fault goes on for seconds after that (5)")
    add("--back", type=float, default=60.0, help="and back (60); refuse-451 has 330 s")


def run(options: argparse.Namespace, report: Report) -> None:
    """One fault after the other, each with processes of its own."""
    known = subprocess.run(
        [sys.executable, "-m", "relay.simulator", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for fault in options.faults.split(","):
        if f"\n  {fault} " not in known:
            print(f"{fault}: skipped, the simulator does not know it", file=sys.stderr)
            continue
        back = 330.0 if fault == "refuse-451" else options.back
        with ExitStack() as stack:
            _try(fault, options.leave, options.stay, back, stack, report)


def _try(
    fault: str, leave: float, stay: float, back: float, stack: ExitStack, report: Report
) -> None:
    start = stack.enter_context
    server = start(RedisServer())
    first, second = start(Simulator(*_MARKET)), start(Simulator(*_MARKET))
    start(Listener(server, first.url, second.url))
    workers = start(Workers(server))
    states: list[str] = []

    def reads(simulator: Simulator) -> Callable[[], bool]:
        def look() -> bool:
            ready = workers.ready()
            if not states or states[-1] != ready["state"]:
                states.append(ready["state"])
            return ready["state"] == "live" and ready["source"] == simulator.url

        return look

    if _seconds_until(reads(first), _START_SECONDS) is None:
        raise RuntimeError("the relay does not read the first exchange")
    states.clear()
    first.fault(*_FAULTS[fault])
    gone = _seconds_until(reads(second), leave)
    seen = "->".join(states)
    # So that the first is tried again while it is unwell, and counts as such.
    time.sleep(stay)
    first.clear()
    returned = _seconds_until(reads(first), back)
    report.row(fault=fault, over_s=gone, states=seen, back_s=returned)
    if gone is None and fault not in _HARMLESS:
        report.breach(f"{fault}: it never went over to the second exchange")
    if returned is None:
        report.breach(f"{fault}: it never came back to the first exchange")


def _seconds_until(holds: Callable[[], bool], limit: float) -> float | None:
    """None where it takes longer than the limit."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > limit:
            return None
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - began
