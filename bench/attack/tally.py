"""Tally: what one attacker got."""

from collections import Counter
from statistics import median


class Tally:
    """Counts how its connections were answered, and how they ended."""

    def __init__(self) -> None:
        self.opened = 0
        #: How often each answer came: "200", "429", "101 close 1008", "no answer".
        self.answers: Counter[str] = Counter()
        #: Connections that could not be made.
        self.refused = 0
        #: Seconds from connecting until the server ended a connection, one for each that it ended.
        self.cut: list[float] = []
        #: Connections that were open at the end.
        self.left_open = 0
        #: Bytes that were taken from it, and that it was sent.
        self.sent = 0
        self.received = 0

    def describe(self) -> str:
        """One line."""
        parts = [f"{self.opened:,} opened"]
        if self.refused:
            parts.append(f"{self.refused:,} could not connect")
        parts += [f"{count:,} × {answer}" for answer, count in self.answers.most_common(6)]
        if self.cut:
            parts.append(f"{len(self.cut):,} ended by the relay after {median(self.cut):.1f} s")
        if self.left_open:
            parts.append(f"{self.left_open:,} still open")
        parts.append(f"{self.sent / 1e6:.1f} MB up, {self.received / 1e6:.1f} MB down")
        return "; ".join(parts)
