"""`python -m tests.fuzz`: looks for inputs that break what must hold, led by coverage (atheris, libFuzzer).

Each target runs in a process of its own. What breaks it is written to `fuzz/TARGET/finds/`, what led to new
code to `fuzz/TARGET/corpus/`, from which the next run goes on.
"""

import argparse
import os
import re
import subprocess
import sys
import time

from tests.fuzz.targets import TARGETS
from tests.processes import ROOT

FOLDER = ROOT / "fuzz"
#: An input that takes longer than this is a find.
_SLOW_SECONDS = 5
_MEMORY_MIB = 2048
_MAX_BYTES = 65536
_PULSE = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")


def main() -> None:
    """Runs what the command line says, so many targets at a time; exits with 1 where one was broken."""
    options = _options()
    waiting = list(options.targets)
    running: dict[str, subprocess.Popen[bytes]] = {}
    broken = []
    while waiting or running:
        while waiting and len(running) < options.processes:
            name = waiting.pop(0)
            running[name] = _start(name, options.seconds)
        for name, process in list(running.items()):
            if process.poll() is not None:
                del running[name]
                print(_summary(name, process.returncode), flush=True)
                if process.returncode or _finds(name):
                    broken.append(name)
        time.sleep(0.2)
    sys.exit(1 if broken else 0)


def _start(name: str, seconds: int) -> "subprocess.Popen[bytes]":
    folder = FOLDER / name
    corpus, finds = folder / "corpus", folder / "finds"
    for needed in (corpus, finds):
        needed.mkdir(parents=True, exist_ok=True)
    target = TARGETS[name]
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words if len(word) < 64))
    command = [sys.executable, "-m", "tests.fuzz.run", name, str(finds), str(corpus)]
    command += [f"-max_total_time={seconds}", f"-timeout={_SLOW_SECONDS}", f"-dict={words}"]
    command += [f"-rss_limit_mb={_MEMORY_MIB}", f"-artifact_prefix={finds}/", "-verbosity=1"]
    command += [f"-max_len={_MAX_BYTES}", "-len_control=20"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    # Whatever else runs here goes first.
    os.setpriority(os.PRIO_PROCESS, process.pid, 10)
    return process


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _finds(name: str) -> list[str]:
    """The places that broke."""
    texts = sorted((FOLDER / name / "finds").glob("*.txt"))
    return [text.read_text().partition("\n")[0] for text in texts]


def _summary(name: str, code: int) -> str:
    """What was executed, in a line; and what broke, a line each."""
    folder = FOLDER / name
    pulses = _PULSE.findall((folder / "log").read_text(errors="replace"))
    figures = folder / "finds" / "figures"
    parts = [figures.read_text()] if figures.exists() else []
    if pulses:
        parts.append(f"{pulses[-1][1]} edges, corpus {pulses[-1][3]}")
    lines = [f"{name}: {', '.join(parts)}"]
    lines += [f"  BROKEN: {place}" for place in _finds(name)]
    if code:
        lines.append(f"  ended with {code}, see {folder / 'log'}")
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=int, default=600, help="for each target (600)")
    add("--processes", type=int, default=2, help="targets at a time (2)")
    add("targets", nargs="*", default=list(TARGETS), metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
