"""`python -m bench.run`: measures the relay and its competitors in turn, and reports.

Every contender is measured once in every round, in another order each time, so that whatever else
the machine does meets all of them. Linux only: it reads /proc.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench import machine
from bench.cases import CASES, Case
from bench.chart import draw
from bench.contenders import CONTENDERS, Contender, Server
from bench.feed import Feed, RedisServer
from bench.load import CONNECT_SECONDS, raise_file_limit
from bench.process import ROOT
from bench.report import Results, derive, tables

RESULTS = Path(__file__).resolve().parent / "results"
#: The server's start, and what the load generator needs besides connecting and counting.
_SLACK_SECONDS = 60.0


def main() -> None:
    """Runs what the command line says."""
    options = _options()
    # Both end the `with` blocks, and with them every process. A shell starts jobs with SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    raise_file_limit()
    names = [n for n in CONTENDERS if not options.contenders or n in options.contenders]
    for name in names:
        if CONTENDERS[name].obstacle:
            print(CONTENDERS[name].obstacle, file=sys.stderr)
    usable = [name for name in names if not CONTENDERS[name].obstacle]
    results: Results = {}
    where, when = machine.describe(), time.strftime("%Y-%m-%d %H:%M")
    try:
        with RedisServer() as redis_server:
            for turn in range(options.rounds):
                for case in options.cases:
                    _measure_case(redis_server, case, usable, turn, options.seconds, results)
    except KeyboardInterrupt:
        print("interrupted: what follows is what there is so far", file=sys.stderr)
    if not results:
        sys.exit("nothing was measured")
    done = max(len(rounds) for case in results.values() for rounds in case.values())
    note = f"{where}, {when}; medians of {done} x {options.seconds:g} s"
    print(f"{note}\n\n{tables(results)}")
    _save(results, {"machine": where, "date": when, "seconds": options.seconds}, note)


def _measure_case(
    redis_server: RedisServer,
    name: str,
    usable: list[str],
    turn: int,
    seconds: float,
    results: Results,
) -> None:
    case = CASES[name]
    contenders = [contender for contender in case.contenders if contender in usable]
    shift = turn % max(len(contenders), 1)
    if not contenders:
        return
    with Feed(redis_server, case.market) as feed:
        for contender in contenders[shift:] + contenders[:shift]:
            try:
                figures = _measure(
                    CONTENDERS[contender], case, redis_server.url, feed.pids, seconds
                )
            except RuntimeError as error:
                print(f"{name}: {contender} failed: {error}", file=sys.stderr)
                continue
            figures = derive(case, figures) | {"round": turn}
            results.setdefault(name, {}).setdefault(contender, []).append(figures)
            print(
                f"round {turn + 1}, {name}, {contender}: "
                f"{figures['per_s']:,.0f}/s, {figures['server_cpu_s']:.2f} s of CPU, "
                f"p99 {figures['p99_ms']:.1f} ms, {figures['failed'] + figures['closed']:.0f} lost, "
                f"others used {figures['others_cpu_s']:.1f} s of CPU",
                file=sys.stderr,
            )


def _measure(
    contender: Contender, case: Case, redis_url: str, feed: list[int], seconds: float
) -> dict[str, float]:
    """Raises RuntimeError where the contender or the load generator failed."""
    seconds = max(seconds, case.seconds)
    with Server(contender, redis_url) as server:
        command = [sys.executable, "-m", "bench.load", "--port", str(server.port)]
        command += [*case.load, *contender.load, "--seconds", str(seconds)]
        command += ["--processes", str(_generators())]
        command += ["--server", *map(str, server.serving), "--feed", *map(str, feed)]
        limit = CONNECT_SECONDS + seconds + _SLACK_SECONDS
        try:
            done = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, timeout=limit
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"bench.load took more than {limit:g} s") from error
        if done.returncode:
            raise RuntimeError(f"bench.load ended with {done.returncode}:\n{server.output()}")
        figures: dict[str, float] = json.loads(done.stdout)
        return figures


def _generators() -> int:
    """Processes of the load generator: half of the machine, the other half is the server's."""
    return min(max((os.cpu_count() or 2) // 2, 1), 4)


def _save(results: Results, about: dict[str, object], note: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    stem = time.strftime("%Y-%m-%d-%H%M")
    (RESULTS / f"{stem}.json").write_text(json.dumps(about | {"results": results}, indent=1))
    (RESULTS / f"{stem}.svg").write_text(draw(results, note))
    print(f"\nwritten: {(RESULTS / stem).relative_to(ROOT)}.json and .svg", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.run",
        description="Measures the relay and its competitors in turn, and reports.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n"
        + "\n".join(f"  {name:10} {case.title}" for name, case in CASES.items())
        + "\n\ncontenders:\n"
        + "\n".join(f"  {name:10} {each.title}" for name, each in CONTENDERS.items()),
    )
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="each measures everything once (5)")
    add("--seconds", type=float, default=10.0, help="that each measurement counts for (10)")
    add("--cases", type=_names(CASES), default=list(CASES), help="comma-separated (all)")
    add("--contenders", type=_names(CONTENDERS), default=[], help="comma-separated (all)")
    return parser.parse_args()


def _names(known: dict[str, object]):
    def parse(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
        return names

    return parse


if __name__ == "__main__":
    main()
