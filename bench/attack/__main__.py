"""`python -m bench.attack`: tries every attack, says what each did, and judges it. Linux only."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from bench import machine
from bench.attack import __doc__ as about
from bench.attack import answers, heads, messages, streams
from bench.attack.attack import Attack
from bench.attack.crowd import Crowd
from bench.attack.row import Row, describe, table
from bench.attack.target import Target
from bench.attack.trial import Pace, try_one

ATTACKS = {
    attack.name: attack for module in (heads, answers, messages, streams) for attack in module.ALL
}


#: A worker that keeps so many times the memory that it had would hide what the next attack takes.
_SWOLLEN = 1.25


def main() -> None:
    """Runs what the command line says."""
    options = _options()
    # Both end the `with` blocks, and with them every process. A shell starts jobs with SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    chosen = [ATTACKS[name] for name in options.attacks]
    pace = Pace(options.calm, options.seconds, options.after)
    rows: list[Row] = []
    began = time.monotonic()
    try:
        for row in attack_all(chosen, pace, with_redis=options.redis):
            rows.append(row)
            print(describe(row), file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted: what follows is what there is so far", file=sys.stderr)
    print(
        f"{machine.describe()}, {time.strftime('%Y-%m-%d %H:%M')}; {options.seconds:g} s each, "
        f"{time.monotonic() - began:.0f} s in all; "
        f"{sum(not row.missed for row in rows)} of {len(rows)} hold"
    )
    if options.table:
        print(f"\n{table(rows)}")


def attack_all(attacks: list[Attack], pace: Pace, *, with_redis: bool = False) -> Iterator[Row]:
    """One after the other. A worker that was harmed is replaced, so that each attack meets a sound one."""
    with ExitStack() as stack:
        sound: tuple[Target, Crowd] | None = None
        for attack in sorted(attacks, key=lambda each: each.is_special):
            if attack.is_special or sound is None:
                stack.close()
                sound = stack.enter_context(_scene(attack, pace.calm, with_redis=with_redis))
            row = try_one(_of_several(attack) if with_redis else attack, *sound, pace)
            yield row
            if attack.is_special or _is_harmed(row):
                sound = None


def _of_several(attack: Attack) -> Attack:
    """The same against several workers: a limit holds for each, so only what nobody may have is judged."""
    return replace(attack, most={answer: most for answer, most in attack.most.items() if not most})


@contextmanager
def _scene(attack: Attack, calm: float, *, with_redis: bool) -> Iterator[tuple[Target, Crowd]]:
    with Target(attack.limit, with_redis=with_redis, **attack.env) as target:
        target.wait_for_market()
        with Crowd(target.port) as crowd:
            # What opening 200 streams cost is not to be seen in the first row.
            time.sleep(calm)
            yield target, crowd


def _is_harmed(row: Row) -> bool:
    return (
        not row.is_alive
        or row.lacking is None
        or row.during.ended > 0
        or row.memory[2] > _SWOLLEN * row.memory[0]
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.attack",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="attacks:\n"
        + "\n".join(f"  {name:22} {each.sentence}" for name, each in ATTACKS.items()),
    )
    add = parser.add_argument
    add("--seconds", type=float, default=5.0, help="that each attack may last (5)")
    add("--calm", type=float, default=5.0, help="seconds that are looked at before each (5)")
    add("--after", type=float, default=10.0, help="seconds for memory to come back, at most (10)")
    add("--table", action="store_true", help="prints a table in Markdown, for docs/security.md")
    add("--redis", action="store_true", help="a Redis, a listener and two workers")
    add("attacks", nargs="*", default=list(ATTACKS), metavar="ATTACK", help="all of them")
    options = parser.parse_args()
    unknown = [name for name in options.attacks if name not in ATTACKS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    return options


if __name__ == "__main__":
    main()
