"""Replay: a market that repeats recordings, byte for byte and gap for gap."""

import asyncio
import logging
import re
import time
from pathlib import Path

from relay.simulator import recording
from relay.simulator.market import Carrier
from relay.simulator.recording import Line
from relay.simulator.seen import Seen

log = logging.getLogger(__name__)

#: Frames after which other tasks get their turn even if nobody has to be waited for.
_BREATH = 64

#: Bytes after which it is seen, at full speed, whether the clients can take more. What is published
#: until then goes out in one write.
_PORTION = 2**16

#: Seconds between two passes of a recording too short to have a pace of its own.
_LEAST_GAP = 0.01

_TIMES = re.compile(rb'"([EOCTt])":(\d{13})(?=\d{0,3}[,}])')
_IDS = re.compile(rb'"(t|u|U|a|b|f|l|F|L|lastUpdateId)":(\d{1,12})(?=[,}])')


class Replay(Seen):
    """Publishes the recordings once, or with `loop` for ever, from the first subscriber on.

    `speed` multiplies the recorded pace; 0 means as fast as the clients take it, losing nothing,
    and pausing while there is none. A silence longer than `max_gap` seconds is shortened to it.
    With `preload` the recordings are read into memory first.
    """

    def __init__(
        self,
        paths: list[Path],
        *,
        speed: float = 1.0,
        loop: bool = False,
        rebase: bool = False,
        max_gap: float = 60.0,
        preload: bool = False,
    ) -> None:
        super().__init__()
        self._paths = paths
        self._preloaded = list(recording.read(paths)) if preload else None
        self._speed = speed
        self._loop = loop
        self._max_gap = max_gap
        self._shift = Shift() if rebase or loop else None
        self._frames = 0
        self._updates = 0

    async def run(self, exchange: Carrier) -> None:
        await exchange.subscribed()
        while await self._once(exchange) and self._loop:
            log.info("replay starts over: prices jump back to the first recorded ones")
        await exchange.settle()

    def summary(self) -> str:
        """Say what has been sent: frames, symbols seen, and prices in the frames."""
        return (
            f"replayed {self._frames} frames, {len(self._newest)} symbols, {self._updates} updates"
        )

    async def _once(self, exchange: Carrier) -> bool:
        """Send everything; return whether there was anything."""
        before = self._frames
        pace = _Pace(self._speed, self._max_gap)
        if self._shift is not None:
            self._shift.start_pass()
        portion = 0
        for line in self._preloaded or recording.read(self._paths):
            if self._speed:
                await pace.wait(line.time)
                if self._frames % _BREATH == 0:
                    await asyncio.sleep(0)
            elif portion <= 0:
                await exchange.subscribed()
                await exchange.settle()
                portion = _PORTION
            self._frames += 1
            portion -= len(line.payload)
            self._publish(exchange, line)
        if self._loop:
            await pace.finish(self._frames - before)
        return self._frames > before

    def _publish(self, exchange: Carrier, line: Line) -> None:
        if line.stream is None:
            exchange.publish_bare(line.payload)
            return
        payload = (
            line.payload if self._shift is None else self._shift.apply(line.stream, line.payload)
        )
        self._updates += self.notice(payload)
        exchange.publish(line.stream, payload)


class _Pace:
    """An absolute schedule: a late frame does not delay those after it."""

    def __init__(self, speed: float, max_gap: float) -> None:
        self._speed = speed
        self._max_gap = int(max_gap * 1e9)
        self._last: int | None = None
        self._started = self._due = time.monotonic()

    async def wait(self, recorded: int) -> None:
        if self._last is not None:
            await self._advance(min(recorded - self._last, self._max_gap) / 1e9 / self._speed)
        self._last = recorded

    async def finish(self, frames: int) -> None:
        """Wait for the mean gap between frames: the next pass follows at that distance."""
        if self._speed and frames:
            await self._advance(max((self._due - self._started) / frames, _LEAST_GAP))

    async def _advance(self, gap: float) -> None:
        self._due += gap
        delay = self._due - time.monotonic()
        if delay > 0.001:
            await asyncio.sleep(delay)


class Shift:
    """Moves a recording to now: one constant on all times of a pass, one per stream on its ids.

    So order and distances stay as recorded, and neither times nor ids run backwards when the
    recording is repeated.
    """

    def __init__(self) -> None:
        self._newest_time = 0  # ms, as sent
        self._delta: int | None = None
        self._spans: dict[str, tuple[int, int]] = {}
        self._passes = -1

    def start_pass(self) -> None:
        """Begin at now, or right after what was sent last if that is later."""
        self._delta = None
        self._passes += 1

    def apply(self, stream: str, payload: bytes) -> bytes:
        """Return the payload with shifted times and ids; all else is untouched."""
        payload = _IDS.sub(lambda m: self._shift_id(stream, m), payload)
        return _TIMES.sub(self._shift_time, payload)

    def _shift_time(self, match: re.Match[bytes]) -> bytes:
        recorded = int(match[2])
        if match[1] == b"E" and self._delta is None:
            now = time.time_ns() // 1_000_000
            self._delta = max(now, self._newest_time + 1) - recorded
        shifted = recorded + (self._delta or 0)
        if match[1] == b"E":
            self._newest_time = max(self._newest_time, shifted)
        return b'"%b":%d' % (match[1], shifted)

    def _shift_id(self, stream: str, match: re.Match[bytes]) -> bytes:
        recorded = int(match[2])
        low, high = self._spans.get(stream, (recorded, recorded))
        if self._passes == 0:
            self._spans[stream] = min(low, recorded), max(high, recorded)
        return b'"%b":%d' % (match[1], recorded + self._passes * (high - low + 1))
