"""Machine: what the figures were taken on, in one line."""

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

#: It decides how sends are paced, also on loopback: `bbr` and `cubic` give different figures.
_CONGESTION_CONTROL = Path("/proc/sys/net/ipv4/tcp_congestion_control")


def describe() -> str:
    """Processor, memory, kernel, and the versions of what was measured."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    kib = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    parts = [
        f"{os.cpu_count()} x {model[1] if model else platform.machine()}",
        f"{int(kib[1]) >> 20 if kib else '?'} GiB",
        f"Linux {platform.release()} ({_CONGESTION_CONTROL.read_text().strip()})",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("gevent", "websockets", "redis")),
    ]
    if shutil.which("node"):
        parts.append(f"Node {_output('node', '--version').lstrip('v')}")
    if shutil.which("redis-server"):
        found = re.search(r"v=(\S+)", _output("redis-server", "--version"))
        parts.append(f"Redis {found[1] if found else '?'}")
    revision = _output("git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD")
    if revision:
        parts.append(f"revision {revision}")
    return ", ".join(parts)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.stdout.write(describe() + "\n")
