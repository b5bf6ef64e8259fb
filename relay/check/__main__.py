"""`python -m relay check`: says what the settings would do, tries each hop, and names what is wrong.

Ends with 0 where all is fine, 1 where something is doubtful, and 2 where something does not work.
"""

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterator  # noqa: E402

from relay.check import feed, machine, plan, state  # noqa: E402
from relay.check.finding import Finding, Grade  # noqa: E402
from relay.config import Config, load_or_exit  # noqa: E402
from relay.plain_lines import plain  # noqa: E402
from relay.redaction import redacted  # noqa: E402

_MARKS = {Grade.FINE: "ok      ", Grade.DOUBTFUL: "doubtful", Grade.WRONG: "WRONG   "}


def main() -> None:
    """Prints a line for each finding as it comes."""
    told = "Says what the settings would do, tries each hop, and names what is wrong."
    argparse.ArgumentParser("relay check", description=told).parse_args()
    worst = Grade.FINE
    for finding in _look(load_or_exit()):
        worst = max(worst, finding.grade)
        print(_MARKS[finding.grade], plain(redacted(finding.text)), flush=True)
    sys.exit(worst)


def _look(config: Config) -> Iterator[Finding]:
    yield from plan.look(config)
    yield from machine.look(config)
    if not config.in_process:
        yield from state.look(config.redis_url)
    yield from feed.look(config)


if __name__ == "__main__":
    main()
