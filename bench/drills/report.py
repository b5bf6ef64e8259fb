"""Report: a JSON line for each round, what was broken, and a summary."""

import json
import sys
from statistics import median


class Report:
    """Prints as it goes, so that an interrupted drill has said what it saw."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[dict[str, object]] = []
        self._breaches = 0

    def row(self, **figures: object) -> None:
        """One round's figures; names end in their unit."""
        row = {k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}
        self._rows.append(row)
        print(json.dumps(row), flush=True)

    def breach(self, text: str) -> None:
        """A promise was broken."""
        self._breaches += 1
        print(f"BROKEN: {text}", file=sys.stderr, flush=True)

    def close(self) -> int:
        """Prints median and maximum of every figure in seconds; the exit code for it all."""
        summary: dict[str, object] = {"drill": self._name, "rounds": len(self._rows)}
        for key in dict.fromkeys(key for row in self._rows for key in row if key.endswith("_s")):
            values = [v for row in self._rows if isinstance(v := row.get(key), int | float)]
            if values:
                summary[key] = {"median": round(median(values), 3), "max": max(values)}
        print(json.dumps(summary | {"broken": self._breaches}), flush=True)
        return 1 if self._breaches else 0
