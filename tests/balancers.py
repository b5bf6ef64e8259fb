"""The proxies that tests put in front of their servers."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.balancer import Balancer as Program


class Balancer(Program):
    """nginx, HAProxy or Caddy as `deploy/` has it. Skips where it is missing."""

    def __init__(self, program: str, directory: Path, behind: Sequence[int]) -> None:
        """`behind`: the servers' ports; a single one stands for both."""
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        super().__init__(program, directory, behind)
