"""Target: a reader under attack, and what is known of what it reads."""

from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple

from hypothesis import strategies as st

#: Edits of one seed, and bytes of one that brings noise.
_MAX_EDITS, _MAX_NOISE = 6, 12
_EDIT_ANYWHERE = st.integers(0, 1 << 16)

Edit = tuple[int, int, bytes]


class Target(NamedTuple):
    """One reader."""

    name: str
    #: Reads the bytes; an exception of any kind is a find.
    check: Callable[[bytes], None]
    #: Inputs that it takes.
    seeds: tuple[bytes, ...]
    #: What means something to it.
    words: tuple[bytes, ...]

    @property
    def inputs(self) -> "st.SearchStrategy[bytes]":
        """Seeds that were edited here and there, and words in any order."""
        noise = st.binary(max_size=_MAX_NOISE)
        word = st.sampled_from(self.words) | noise
        gone = st.just(0) | st.integers(0, 8)
        edits = st.lists(st.tuples(_EDIT_ANYWHERE, gone, word), max_size=_MAX_EDITS)
        edited = st.builds(_edited, st.sampled_from(self.seeds), edits)
        return edited | st.lists(word, max_size=20).map(b"".join)


def pieces(data: bytes, sizes: bytes) -> Iterator[bytes]:
    """The same bytes as a network may deliver them: in pieces of these sizes, in turn."""
    at = turn = 0
    while at < len(data):
        size = 1 + (sizes[turn % len(sizes)] if sizes else len(data))
        yield data[at : at + size]
        at += size
        turn += 1


def cut(data: bytes, sizes: bytes) -> Iterator[bytes]:
    """A few pieces of these sizes, then the rest."""
    for size in sizes:
        yield data[: size + 1]
        data = data[size + 1 :]
    yield data


def _edited(seed: bytes, edits: list[Edit]) -> bytes:
    return reduce(_edit, edits, seed)


def _edit(data: bytes, edit: Edit) -> bytes:
    at, gone, instead = edit
    if at % 4:
        # Most of what means something begins behind a blank, a comma or a line end.
        joints = [0, *(i + 1 for i in range(min(len(data), 400)) if not data[i : i + 1].isalnum())]
        at = joints[at % len(joints)]
    at %= len(data) + 1
    return data[:at] + instead + data[at + gone :]
