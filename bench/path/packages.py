"""Packages: environments of their own, what they hold, and how they are made."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

#: A command has so long, and so long to end when it took too long.
_RUN_SECONDS = 240.0
_END_SECONDS = 30.0


def run(command: list[str], directory: Path, **env: str) -> str:
    """What it said. Raises RuntimeError with that where it fails."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "REDIS_URL")
    }
    program = subprocess.Popen(
        command,
        cwd=directory,
        env=clean | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = program.communicate(timeout=_RUN_SECONDS)
    except BaseException:
        _end(program)
        raise
    if program.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {program.returncode}:\n{said}")
    return said


def _end(program: subprocess.Popen[str]) -> None:
    """What it has started ends with it, if it is given the time."""
    program.terminate()
    try:
        program.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)


def megabytes(folder: Path) -> str:
    """What the folder takes on the disk, in words."""
    size = sum(file.lstat().st_blocks * 512 for file in folder.rglob("*") if not file.is_symlink())
    return f"{size / 1e6:.0f} MB"


def clone(root: Path, into: Path) -> str:
    """The newest commit of this project in a folder of its own; its name."""
    run(["git", "clone", "--quiet", str(root), str(into)], root)
    return run(["git", "log", "-1", "--format=%h"], into).strip()


def pm2(directory: Path) -> Path | None:
    """PM2 from npm; None where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    directory.mkdir()
    run([npm, "install", "--silent", "--no-audit", "--no-fund", "pm2"], directory)
    return directory / "node_modules/.bin/pm2"
