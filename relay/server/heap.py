"""Heap: what a worker frees, its machine gets back."""

import ctypes
import os
from contextlib import suppress

#: Bytes from which on a block is mapped by itself, and so unmapped where it is freed.
LARGE_BYTES = 128 << 10
#: malloc.h
_M_MMAP_THRESHOLD = -3
#: What says the same from outside (mallopt(3)).
_VARIABLE = "MALLOC_MMAP_THRESHOLD_"


def give_back_large_blocks() -> None:
    """Has large blocks unmapped when they are freed, unless the environment says otherwise.

    glibc begins with that, but raises its threshold to whatever was freed, up to 32 MiB: of a crowd that took
    pages of half a megabyte, a heap full of holes would stay. Another C library is left as it is.
    """
    if _VARIABLE not in os.environ:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
