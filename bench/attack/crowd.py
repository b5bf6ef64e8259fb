"""Crowd: the well-behaved clients, in a process of their own, and what they noticed."""

import multiprocessing
import select
import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import Any

from bench.attack.good import Asker, Good
from bench.connection import READ_BYTES
from bench.load import raise_file_limit

#: Streams, and those that ask again and again: the path, and seconds between two questions.
STREAMS = 194
_ASKED = (
    ("/livez", 0.1),
    ("/", 0.1),
    ("/api/prices", 1.0),
    ("/api/prices?symbols=BTCUSDT", 1.0),
    ("/api/prices/BTCUSDT", 1.0),
    ("/readyz", 1.0),
)
_TURN_SECONDS = 0.05
_KEEP_ALIVE_SECONDS = 10.0
_ANSWER_SECONDS = 60.0


@dataclass
class Seen:
    """What the crowd noticed since it began. Times are in seconds."""

    #: Of every frame at every stream, sorted.
    delays: list[float] = field(default_factory=list)
    livez: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    #: Streams that were ended, frames that a stream was not given, and what went back.
    ended: int = 0
    gaps: int = 0
    breaches: list[str] = field(default_factory=list)
    #: Questions that were not answered with 200.
    failures: list[str] = field(default_factory=list)
    #: Of the crowd itself: near 1 it was the bottleneck.
    busy: float = 0.0


class Crowd:
    """Handles the process. It ends with its `with` block."""

    def __init__(self, port: int) -> None:
        raise_file_limit()
        self._pipe, theirs = multiprocessing.Pipe()
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_live, args=(port, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._ask("ready")

    def begin(self) -> None:
        """From here on it counts."""
        self._ask("begin")

    def seen(self) -> Seen:
        """What was noticed since the beginning."""
        seen: Seen = self._ask("seen")
        return seen

    def lacking(self, prices: dict[str, str]) -> int:
        """How many prices the streams do not hold, or hold an older one of, in all."""
        count: int = self._ask("lacking", {k.encode(): v.encode() for k, v in prices.items()})
        return count

    def _ask(self, *question: Any) -> Any:
        self._pipe.send(question)
        if not self._pipe.poll(_ANSWER_SECONDS):
            raise RuntimeError("the crowd does not answer")
        return self._pipe.recv()

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _live(port: int, pipe: Pipe) -> None:
    _Loop(port, pipe).run()


class _Loop:
    """The crowd's own process."""

    def __init__(self, port: int, pipe: Pipe) -> None:
        self._pipe = pipe
        self._poll = select.epoll()
        self._streams: dict[int, Good] = {}
        self._askers = [Asker(port, path, "127.0.1.250", every) for path, every in _ASKED]
        self._asking: dict[int, Asker] = {}
        self._ended = 0
        for number in range(STREAMS):
            good = Good(port, websocket=number % 2 == 1, source=f"127.0.1.{number + 1}")
            good.sock.setblocking(False)
            self._streams[good.sock.fileno()] = good
            self._poll.register(good.sock, select.EPOLLIN)
            self._turn(0.0)
        self._poll.register(pipe.fileno(), select.EPOLLIN)
        self._began, self._cpu = time.monotonic(), time.process_time()

    def run(self) -> None:
        """Until whoever started it has gone."""
        kept_alive = time.monotonic()
        while True:
            now = time.monotonic()
            if now - kept_alive > _KEEP_ALIVE_SECONDS:
                kept_alive = now
                for good in self._streams.values():
                    good.keep_alive()
            for asker in self._askers:
                if asker.sock is None and asker.due <= now:
                    sock = asker.ask()
                    self._asking[sock.fileno()] = asker
                    self._poll.register(sock, select.EPOLLOUT)
            try:
                self._turn(_TURN_SECONDS)
            except EOFError:
                return

    def _turn(self, seconds: float) -> None:
        for fd, _ in self._poll.poll(seconds, 512):
            if fd in self._streams:
                self._read(fd)
            elif fd in self._asking:
                self._go_on(fd)
            else:
                question, *more = self._pipe.recv()
                self._pipe.send(getattr(self, f"_{question}")(*more))

    def _read(self, fd: int) -> None:
        good = self._streams[fd]
        try:
            data = good.sock.recv(READ_BYTES)
            if data:
                good.take(data)
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._ended += 1
        del self._streams[fd]
        good.sock.close()

    def _go_on(self, fd: int) -> None:
        asker = self._asking[fd]
        if not asker.go_on():
            del self._asking[fd]
        elif asker.sock is not None:
            self._poll.modify(fd, select.EPOLLIN)

    # What it may be asked.

    def _ready(self) -> bool:
        deadline = time.monotonic() + _ANSWER_SECONDS / 2
        while time.monotonic() < deadline and not all(g.prices for g in self._streams.values()):
            for fd, _ in self._poll.poll(_TURN_SECONDS, 512):
                if fd in self._streams:
                    self._read(fd)
        return True

    def _begin(self) -> None:
        for counting in (*self._streams.values(), *self._askers):
            counting.begin()
        self._ended = 0
        self._began, self._cpu = time.monotonic(), time.process_time()

    def _seen(self) -> Seen:
        now = time.monotonic()
        streams = list(self._streams.values())
        took = {path: asker.took for (path, _), asker in zip(_ASKED, self._askers, strict=True)}
        for (path, _), asker in zip(_ASKED, self._askers, strict=True):
            # Who still waits has waited for so long at least.
            took[path] = sorted([*asker.took, *filter(None, [asker.waiting(now)])])
        return Seen(
            delays=sorted(d for good in streams for d in good.delays_until(now, self._began)),
            livez=took["/livez"],
            pages=took["/"],
            ended=self._ended,
            gaps=_gaps([good.frames for good in streams]),
            breaches=[breach for good in streams for breach in good.breaches][:5],
            failures=[failure for asker in self._askers for failure in asker.failures],
            busy=(time.process_time() - self._cpu) / max(now - self._began, 0.001),
        )

    def _lacking(self, prices: dict[bytes, bytes]) -> int:
        # A newer one than was asked for is as good.
        return sum(
            float(good.prices.get(symbol, b"0")) < float(price)
            for good in self._streams.values()
            for symbol, price in prices.items()
        )


def _gaps(of_streams: list[list[float]]) -> int:
    """Frames that a stream lacks between its first one and its last one, in all."""
    everything = sorted({frame for frames in of_streams for frame in frames})
    gaps = 0
    for frames in filter(None, of_streams):
        due = bisect_right(everything, frames[-1]) - bisect_left(everything, frames[0])
        gaps += due - len(frames)
    return gaps
