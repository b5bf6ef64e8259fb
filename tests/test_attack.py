"""`make attack` runs: three of its attacks, for a second each."""

import os
import subprocess
import sys

from tests.long import long
from tests.processes import ROOT

_NAMES = ("strange-framing", "upgrade-by-head", "bombs")


@long
def test_the_attack_tool_says_what_each_attack_did() -> None:
    command = [sys.executable, "-m", "bench.attack", "--table", "--calm", "0.3", "--after", "0"]
    done = subprocess.run(
        [*command, "--seconds", "1", *_NAMES],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(_NAMES), done.stderr
    # What an attacker gets does not depend on how busy the machine is.
    assert "14 × 400;" in rows[2]
    for row in rows[2:]:
        assert not any(f in row for f in ("worker ended", "tracebacks", "went back")), row
