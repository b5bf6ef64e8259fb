"""Node, for tests of the modules that browsers and Node share."""

import json
import os
import shutil
import subprocess
from functools import cache
from typing import Any

import pytest

from tests.processes import ROOT

#: What npm installs for tests; its package-lock.json names no registry.
NPM = ROOT / "tests" / "npm"
#: The oldest version of Node that the client is made for.
LEAST = 20
#: Seconds that a script of a test may take.
_SECONDS = 60


@cache
def _oldness(program: str) -> str:
    """Why this Node will not do; empty if it will."""
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True
    ).stdout
    is_old = int(version.strip().removeprefix("v").split(".")[0]) < LEAST
    return f"Node {LEAST} is needed, this is {version.strip()}" if is_old else ""


def node() -> str:
    """The program; skips the test where there is none, or an old one."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed")
    if why := _oldness(program):
        pytest.skip(why)
    return program


def evaluate(script: str, given: Any = None) -> Any:
    """What a module leaves in `answer`, by way of JSON. It may import from static/ and finds `given`."""
    module = f"let answer; const given = {json.dumps(given)};\n{script}\nconsole.log(JSON.stringify(answer));"
    done = subprocess.run(
        [node(), "--input-type=module", "--eval", module],
        cwd=ROOT / "static",
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def installed(program: str) -> str:
    """A program of tests/npm, which `make test` installs; skips the test where npm could not."""
    node()
    path = NPM / "node_modules" / ".bin" / program
    if not path.exists():
        pytest.skip(
            f"{program} is not installed: npm does not work here, or `make test` was not run"
        )
    return str(path)


def run(*command: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """What a program says that is run in tests/npm; it reads what is given."""
    return subprocess.run(
        command,
        input=given,
        cwd=NPM,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def bundle(script: str, **environment: str) -> str:
    """A script with all that it imports, for browsers."""
    esbuild = installed("esbuild")
    options = ("--bundle", "--minify", "--format=esm", "--log-level=warning")
    done = run(esbuild, *options, given=script, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
