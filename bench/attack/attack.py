"""Attack: one thing that a stranger does, and where it does it."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.attack.siege import Recipe, Siege
from bench.attack.tally import Tally

#: Where attackers come from: one address, or many of them.
ONE = ("127.0.0.66",)
MANY = tuple(f"127.0.2.{number}" for number in range(1, 251))

Said = bytes | Callable[[int], bytes]
Drip = bytes | Callable[[], Iterator[bytes]]


class Field:
    """What an attack has: the relay's port, its connections, and what it got."""

    def __init__(self, port: int, seconds: float) -> None:
        self.tally = Tally()
        self._siege = Siege(port, self.tally)
        self._deadline = time.monotonic() + seconds

    def open(
        self,
        count: int,
        said: Said,
        *,
        drip: Drip = b"",
        every: float = 0.0,
        reads: bool = True,
        window: int = 0,
        again: bool = False,
        leaves: float = math.inf,
        ends: bool = False,
        resets: bool = False,
        sources: Sequence[str] = ONE,
    ) -> None:
        """So many connections, from these addresses in turn; see Recipe. What is said may depend on a
        connection's number."""
        self._siege.add(
            Recipe(
                source=sources[number % len(sources)],
                said=said if isinstance(said, bytes) else said(number),
                drip=_drops(drip),
                every=every,
                reads=reads,
                window=window,
                again=again,
                leaves=leaves,
                ends=ends,
                resets=resets,
            )
            for number in range(count)
        )

    def run(self) -> None:
        """Until the time is over, or nothing is left to do."""
        self._siege.run(self._deadline)


@dataclass(frozen=True)
class Attack:
    """A row of the table."""

    name: str
    #: What it does, in a sentence.
    sentence: str
    #: Sets its connections up.
    begin: Callable[[Field], None]
    #: Settings of the worker that is attacked.
    env: dict[str, str] = field(default_factory=dict)
    #: Files that the worker may have open; 0 is as many as usual.
    limit: int = 0
    #: The part of a row's time that it takes.
    share: float = 1.0
    #: Answers that tell that it got through, and of how many connections that is none of its doing.
    most: dict[str, int] = field(default_factory=dict)

    @property
    def is_special(self) -> bool:
        """Whether it needs a worker of its own."""
        return bool(self.env or self.limit)


def attack(
    *, share: float = 1.0, limit: int = 0, most: dict[str, int] | None = None, **env: str
) -> Callable[[Callable[[Field], None]], Attack]:
    """Makes an attack of a function that sets it up; its name and its sentence are the function's."""

    def make(begin: Callable[[Field], None]) -> Attack:
        name = begin.__name__.replace("_", "-")
        return Attack(
            name,
            (begin.__doc__ or "").strip().removesuffix("."),
            begin,
            env,
            limit,
            share,
            most or {},
        )

    return make


def get(path: str, *fields: str, method: str = "GET") -> bytes:
    """A request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: relay", *fields, "", ""]).encode()


def _drops(drip: Drip) -> Callable[[], Iterator[bytes]]:
    if callable(drip):
        return drip
    same = drip

    def forever() -> Iterator[bytes]:
        while same:
            yield same

    return forever
