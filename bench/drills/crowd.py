"""Crowd: clients that come back by themselves, when they were told to, and how they did."""

import heapq
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from bench.drills.loop import Loop
from bench.drills.resumer import Resumer

#: Between two things that a client says: who says nothing for 30 s is cut.
_KEEP_ALIVE_SECONDS = 10.0
#: The width of a column in the spread of opens, in seconds.
SPREAD_SECONDS = 0.5
#: How many connections are begun between two looks at the others.
_RETURNS = 20


class Crowd:
    """So many clients, one in ten over WebSocket, in groups that want the same symbols."""

    def __init__(self, loop: Loop, port: int, groups: list[tuple[str, ...]], size: int) -> None:
        self._loop = loop
        self._waiting: list[tuple[float, int, Resumer]] = []
        self._numbers = count()
        self._spoken = time.monotonic()
        #: Those who are connected, or were until now.
        self.members: set[Resumer] = set()
        self.forget()
        for number in range(size):
            self._join(Resumer(port, groups[number % len(groups)], websocket=number % 10 == 9))

    def forget(self) -> None:
        """From here on it counts."""
        #: How connections ended that were not sent away, or did not begin.
        self.wrong: Counter[str] = Counter()
        #: The seconds after which each was told to come back that went away.
        self.told: list[float] = []
        self._returned: list[Resumer] = []

    def run_until(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Reads, and lets those come back whose time it is; False if that takes too long."""
        return self._loop.run_until(lambda: self._tend() or is_over(), seconds)

    @property
    def away(self) -> int:
        """How many are not connected, or have heard nothing yet."""
        return len(self._waiting) + sum(not member.mode for member in self.members)

    def lacking(self, truth: dict[bytes, bytes]) -> int:
        """How many do not hold what is true."""
        return len(self._waiting) + sum(member.lacks(truth) for member in self.members)

    def take_breaches(self) -> list[str]:
        """What went back since the last call."""
        breaches = [text for member in self.members for text in member.breaches]
        for member in self.members:
            member.breaches.clear()
        return breaches

    @property
    def returned(self) -> int:
        """How many came back with an id since `forget`."""
        return sum(bool(member.mode) for member in self._returned)

    def modes(self) -> Counter[str]:
        """The same by what they were told that follows: none, changes or full."""
        return Counter(member.mode.decode() for member in self._returned if member.mode)

    def spread(self) -> list[int]:
        """How many came back in each half second, from the first one's coming on."""
        opened = sorted(member.opened for member in self._returned if member.mode)
        columns: Counter[int] = Counter(
            int((moment - opened[0]) / SPREAD_SECONDS) for moment in opened
        )
        return [columns[number] for number in range(max(columns, default=-1) + 1)]

    def _join(self, member: Resumer) -> None:
        self.members.add(member)
        self._loop.add(member)

    def _tend(self) -> bool:
        for member in self._loop.closed:
            self._send_back(member)
        self._loop.closed.clear()
        now = time.monotonic()
        for _ in range(_RETURNS):
            if not self._waiting or self._waiting[0][0] > now:
                break
            member = heapq.heappop(self._waiting)[2].again()
            self._join(member)
            if member.resume_id:
                self._returned.append(member)
        if now - self._spoken > _KEEP_ALIVE_SECONDS:
            self._spoken = now
            for member in self.members:
                # One that was just sent away is on its way out.
                with suppress(OSError):
                    member.keep_alive()
        return False

    def _send_back(self, member: Resumer) -> None:
        self.members.discard(member)
        if member.refusal:
            self.wrong[member.refusal] += 1
        elif not member.is_sent_away:
            self.wrong[f"{member.what} ended without goodbye"] += 1
        elif not member.mode:
            # One that may not begin is told when to come back as well.
            self.wrong["refused by a worker that goes away"] += 1
        self.told.append(member.retry / 1000)
        due = time.monotonic() + member.retry / 1000
        heapq.heappush(self._waiting, (due, next(self._numbers), member))
