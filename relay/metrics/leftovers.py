"""Leftovers: directories of processes that were killed before they could take them away.

Whoever makes a directory keeps a lock in it, and its children inherit that. The kernel ends the lock with the
last of them, however they die; so a lock that can be had tells that nobody uses the directory any more. A
process's number would not: another process may have it.
"""

import fcntl
import os
import random
import shutil
import tempfile
from pathlib import Path

_LOCK = "in-use"
#: Directories that one start looks at.
MAX_LOOKS = 200


class _Held:
    """Locks that this process keeps until it ends."""

    files: list[int] = []  # noqa: RUF012 - there is one list in a process


def make(prefix: str) -> str:
    """A new temporary directory, which nobody takes for a leftover while this process or a child lives."""
    made = tempfile.mkdtemp(prefix=prefix)
    # It gets its name when it is locked: nobody finds it before.
    new = Path(made, f"{_LOCK}.new")
    lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(new.with_name(_LOCK))
    _Held.files.append(lock)
    return made


def sweep(prefix: str) -> int:
    """Takes away what others of this user have left over. Returns how many directories that were.

    Of more than MAX_LOOKS it looks at some by chance: those in use, however many, hide none for ever.
    """
    with os.scandir(tempfile.gettempdir()) as entries:
        ours = [
            entry.path for entry in entries if entry.name.startswith(prefix) and _is_ours(entry)
        ]
    return sum(map(_removed, random.sample(ours, min(len(ours), MAX_LOOKS))))


def _is_ours(entry: os.DirEntry[str]) -> bool:
    try:
        is_directory = entry.is_dir(follow_symlinks=False)
        return is_directory and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
    except OSError:
        return False


def _removed(directory: str) -> bool:
    try:
        lock = os.open(os.path.join(directory, _LOCK), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
