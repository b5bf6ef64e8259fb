"""What a worker frees, its machine gets back."""

import platform
import subprocess
import sys

import pytest

#: A crowd takes answers of half a megabyte, and something small of each stays.
CROWD = """
from pathlib import Path
from relay.server.heap import give_back_large_blocks

def resident():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])

give_back_large_blocks()
bytes(1 << 20)
before = resident()
answers, small = [], []
for _ in range(100):
    answers.append(bytes(b"x") * 500_000)
    small.append(bytes(1_000))
answers.clear()
print(resident() - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another library gives back in its way"
)
def test_memory_of_a_crowd_that_has_gone_is_given_back() -> None:
    said = subprocess.check_output([sys.executable, "-c", CROWD], text=True)
    assert int(said) < 10_000
