"""`python -m tests.fuzz.run TARGET FOLDER [libFuzzer's options]`: one target, until its time is over.

FOLDER gets a file for each place that broke, with the shortest input that breaks it, and a line of figures.
"""

import sys
import time
import traceback
from hashlib import sha256
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["relay"]):
    from tests.fuzz.targets import TARGETS

#: Bytes from which on an input's time is mostly its own.
_TELLING_BYTES = 1024
#: An input that seems slow is timed so often, and its best time counts: others use the machine too.
_TIMINGS = 3
#: Executions between two notes of the figures.
_NOTE_EVERY = 200


class Trial:
    """All that is tried of one target, and what was seen. It goes on after a find."""

    def __init__(self, name: str, folder: Path) -> None:
        self._check = TARGETS[name].check
        self._folder = folder
        #: The length of the shortest input by the place that it broke.
        self._finds: dict[str, int] = {}
        self._executions = 0
        # Seconds and bytes of the longer inputs, and the slowest of them, in seconds a byte and bytes.
        self._seconds, self._bytes = 0.0, 0
        self._slowest = (0.0, 0)

    def try_one(self, data: bytes) -> None:
        """Checks an input, and times it where it is long: a reader that is not linear shows."""
        self._executions += 1
        try:
            seconds = self._time(data)
        except Exception as error:  # noqa: BLE001 - whatever it raises is a find
            self._keep(data, error)
            return
        if len(data) >= _TELLING_BYTES:
            self._compare(data, seconds)
        if self._executions % _NOTE_EVERY == 0:
            self._note()

    def _time(self, data: bytes) -> float:
        began = time.thread_time()
        self._check(data)
        return time.thread_time() - began

    def _keep(self, data: bytes, error: Exception) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
        if len(data) >= self._finds.get(place, 1 << 30):
            return
        self._finds[place] = len(data)
        stem = self._folder / sha256(place.encode()).hexdigest()[:12]
        stem.with_suffix(".input").write_bytes(data)
        lines = traceback.format_exception(error)
        stem.with_suffix(".txt").write_text(f"{place}\n{data!r}\n\n{''.join(lines)}")

    def _compare(self, data: bytes, seconds: float) -> None:
        self._seconds += seconds
        self._bytes += len(data)
        if seconds / len(data) > self._slowest[0]:
            best = min(seconds, *(self._time(data) for _ in range(_TIMINGS)))
            if best / len(data) > self._slowest[0]:
                self._slowest = (best / len(data), len(data))
                (self._folder / "slowest").write_bytes(data)

    def _note(self) -> None:
        text = f"{self._executions:,} executions"
        if self._bytes:
            usual = self._seconds / self._bytes
            text += (
                f", slowest {self._slowest[0] / usual:.1f} x the usual {usual * 1e9:.0f} ns a byte"
                f" at {self._slowest[1]} bytes"
            )
        (self._folder / "figures").write_text(text)


def main() -> None:
    """Runs the target that the command line names."""
    trial = Trial(sys.argv.pop(1), Path(sys.argv.pop(1)))
    atheris.enabled_hooks.add("RegEx")
    atheris.Setup(sys.argv, trial.try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
