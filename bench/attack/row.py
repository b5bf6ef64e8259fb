"""Row: what one attack did, and whether that is within the aims."""

import re
from collections import Counter
from dataclasses import dataclass

from bench.attack.attack import Attack
from bench.attack.crowd import Seen
from bench.attack.tally import Tally

#: What a terminal obeys; a line may have tabs.
_CODES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b]")
#: The part of the time without a free CPU from which on delays tell more of the machine than of the worker.
_STARVED = 0.1
#: The aims: p99 of the delay of prices, as a multiple of what it was before; the slowest /livez in seconds;
#: the worker's memory afterwards, as a multiple of what it was before.
MOST_P99, MOST_LIVEZ, MOST_MEMORY = 1.5, 0.5, 1.1


def percentile(values: list[float], share: float) -> float:
    """Of sorted values; 0 where there are none."""
    return values[min(int(len(values) * share), len(values) - 1)] if values else 0.0


@dataclass(frozen=True)
class Row:
    """One attack. Memory in MiB, times in seconds."""

    attack: Attack
    tally: Tally
    before: Seen
    during: Seen
    #: Prices that streams did not hold when all was over; None where the relay did not say its own.
    lacking: int | None
    #: Before, at most during, and at the end.
    memory: tuple[float, float, float]
    #: From the attack's end until the memory was back, or until nobody waited any longer.
    back: float
    #: The worker's share of a CPU, before and during.
    cpu: tuple[float, float]
    #: The part of the time that it was ready and others had the CPUs, before and during: far above 0, delays
    #: tell of the machine.
    starved: tuple[float, float]
    #: What the worker wrote into its log meanwhile.
    log: str
    #: Whether it is still the same worker.
    is_alive: bool

    @property
    def p99_ms(self) -> tuple[float, float]:
        """Of the delay of prices, before and during."""
        before, during = (
            percentile(seen.delays, 0.99) * 1000 for seen in (self.before, self.during)
        )
        return before, during

    @property
    def livez_ms(self) -> tuple[float, float]:
        """The slowest, before and during."""
        before, during = (
            max(seen.livez, default=0.0) * 1000 for seen in (self.before, self.during)
        )
        return before, during

    @property
    def missed(self) -> list[str]:
        """The aims that were not reached, in a few words each."""
        before, during = self.p99_ms
        tracebacks = self.log.count("Traceback")
        busy = " (the machine was busy)" if self.starved[1] > _STARVED else ""
        checks = {
            "the worker ended": not self.is_alive,
            f"p99 {during / max(before, 0.001):.1f} x{busy}": during > MOST_P99 * before,
            f"/livez {self.livez_ms[1] / 1000:.1f} s{busy}": self.livez_ms[1] > MOST_LIVEZ * 1000,
            f"{self.during.ended} good streams ended": self.during.ended > 0,
            f"{len(self.during.failures)} questions of others failed": bool(self.during.failures),
            "no answer when it was over": self.lacking is None,
            f"{self.lacking} prices lost": bool(self.lacking),
            f"{self.during.gaps} frames skipped": self.during.gaps > 0,
            f"went back: {self.during.breaches[:1]}": bool(self.during.breaches),
            f"memory {self.memory[2] / self.memory[0]:.2f} x": (
                self.memory[2] > MOST_MEMORY * self.memory[0]
            ),
            f"{tracebacks} tracebacks": tracebacks > 0,
            "raw control codes in the log": bool(_CODES.search(self.log)),
        }
        got = self.tally.answers
        through = [
            f"{got[answer]} x {answer}, where {most} may be"
            for answer, most in self.attack.most.items()
            if got[answer] > most
        ]
        return through + [text for text, is_so in checks.items() if is_so]


_HEADS = (
    "attack",
    "what it got",
    "p99 of prices, ms",
    "slowest `/livez`, ms",
    "worker's CPU",
    "no CPU free for it",
    "worker's memory, MiB",
    "verdict",
)


def table(rows: list[Row]) -> str:
    """Markdown; figures before → during (→ after)."""
    lines = [" | ".join(_HEADS), " | ".join(["---"] * len(_HEADS))]
    for row in rows:
        cells = (
            row.attack.sentence,
            row.tally.describe(),
            "{:.1f} → {:.1f}".format(*row.p99_ms),
            "{:.0f} → {:.0f}".format(*row.livez_ms),
            "{:.0%} → {:.0%}".format(*row.cpu),
            "{:.0%} → {:.0%}".format(*row.starved),
            "{:.0f} → {:.0f} → {:.0f}".format(*row.memory),
            "; ".join(row.missed) or "holds",
        )
        lines.append(" | ".join(cell.replace("|", "\\|") for cell in cells))
    return "\n".join(f"| {line} |" for line in lines)


def describe(row: Row) -> str:
    """For whoever watches."""
    failures = ", ".join(f"{n} x {kind}" for kind, n in Counter(row.during.failures).items())
    return (
        f"{row.attack.name}: {row.attack.sentence}\n"
        f"  got: {row.tally.describe()}\n"
        "  prices p99 {:.1f} -> {:.1f} ms, ".format(*row.p99_ms)
        + "/livez at most {:.0f} -> {:.0f} ms, ".format(*row.livez_ms)
        + f"/ at most {max(row.during.pages, default=0) * 1000:.0f} ms, "
        + "CPU {:.0%} -> {:.0%}, ".format(*row.cpu)
        + "no CPU free for {:.0%} -> {:.0%}, ".format(*row.starved)
        + "memory {:.0f} -> {:.0f} -> {:.0f} MiB".format(*row.memory)
        + f" after {row.back:.1f} s, crowd busy {row.during.busy:.0%}"
        + (f", others were answered {failures}" if failures else "")
        + _log(row.log)
        + f"\n  {'MISSED: ' + '; '.join(row.missed) if row.missed else 'holds'}"
    )


def _log(text: str) -> str:
    lines = text.splitlines()
    return f"\n  log, {len(lines)} lines: {lines[-1][:200]}" if lines else ""
