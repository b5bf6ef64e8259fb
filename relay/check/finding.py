"""Finding: one thing that `relay check` has to say."""

from enum import IntEnum
from typing import NamedTuple


class Grade(IntEnum):
    """How bad it is; the worst one is the exit code."""

    FINE = 0
    #: The relay works, though not as it should.
    DOUBTFUL = 1
    #: The relay does not work, or not all of it.
    WRONG = 2


class Finding(NamedTuple):
    """A sentence, and how bad it is."""

    grade: Grade
    #: Without what is secret, though it may hold words of others.
    text: str


def fine(text: str) -> Finding:
    """Something is as it should be, or is said for people to know."""
    return Finding(Grade.FINE, text)


def doubtful(text: str) -> Finding:
    """Something works, though not as it should."""
    return Finding(Grade.DOUBTFUL, text)


def wrong(text: str) -> Finding:
    """Something does not work."""
    return Finding(Grade.WRONG, text)
