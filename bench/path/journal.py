"""Journal: what was tried, whether it worked, what was seen, and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Step:
    """One line of the journal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[str] = []
        self.failure = ""
        self.seconds = 0.0

    def saw(self, text: str) -> None:
        """Notes something worth telling."""
        self.seen.append(text)


class Journal:
    """Goes on after a step that failed, so that one look tells all."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._not_run: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """What happens in the block; an exception of it is what went wrong."""
        step = Step(name)
        self._steps.append(step)
        print(f"... {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            yield step
        except Exception as error:  # noqa: BLE001 - whatever it is, it stands in the table
            step.failure = str(error).strip() or type(error).__name__
        step.seconds = time.monotonic() - began

    def leave_out(self, text: str) -> None:
        """Something that could not be tried here, and why."""
        self._not_run.append(text)

    def close(self) -> int:
        """Prints the table; the exit code for it all."""
        print("\n| tried | seconds | seen |\n| --- | ---: | --- |")
        for step in self._steps:
            seen = "; ".join(step.seen)
            if step.failure:
                seen = f"{seen} **FAILED** {step.failure.splitlines()[0][:300]}".strip()
            print(f"| {step.name} | {step.seconds:.1f} | {seen} |")
        print("\nNot run: " + "; ".join(self._not_run or ["nothing was left out"]) + ".")
        for step in self._steps:
            if step.failure:
                print(f"\n{step.name}:\n{step.failure}", file=sys.stderr)
        return 1 if any(step.failure for step in self._steps) else 0
