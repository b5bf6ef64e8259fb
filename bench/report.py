"""Report: medians over the rounds, ratios within each round, and the table that shows them."""

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, NamedTuple

from bench.cases import CASES, Case
from bench.contenders import CONTENDERS

#: What bench.load said about one contender, and `round`: one for each round that went well.
Rounds = list[dict[str, float]]
#: By case, then by contender.
Results = dict[str, dict[str, Rounds]]


class Figure(NamedTuple):
    """A column of the table."""

    heading: str
    show: Callable[[float], str]
    less_is_better: bool = False


def _milliseconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _tenths(value: float) -> str:
    return f"{value:,.1f}"


FIGURES = {
    "share": Figure("delivered of all wanted", _percent),
    "per_cpu_s": Figure("deliveries per CPU-second", lambda value: f"{value:,.0f}"),
    "ratio": Figure("ratio", lambda value: f"{value:.2f}"),
    "p50_ms": Figure("p50 ms", _milliseconds),
    "p99_ms": Figure("p99 ms", _milliseconds),
    "max_ms": Figure("max ms", _milliseconds),
    "kb_per_s": Figure("kB/s", _whole),
    "generator_busy": Figure("generator busy", _percent),
    "clients": Figure("clients", _whole),
    "kib_per_client": Figure("KiB per client", _tenths, less_is_better=True),
    "kb_per_client": Figure("kB to each client", _tenths),
    "growth_kib": Figure("grew by KiB", _whole),
    "closed": Figure("closed", _whole),
    "failed": Figure("failed", _whole),
    "connect_s": Figure("connect s", _tenths),
    "back_s": Figure("all back after s", lambda value: f"{value:.2f}", less_is_better=True),
    "open_p50_ms": Figure("first event p50 ms", _milliseconds),
    "open_p99_ms": Figure("first event p99 ms", _milliseconds),
    "server_cpu_s": Figure("CPU s", lambda value: f"{value:.2f}"),
}


LATENCIES = ("p50_ms", "p99_ms", "p999_ms", "max_ms")


def derive(case: Case, figures: dict[str, float]) -> dict[str, float]:
    """Adds what only the case knows: the share of what was wanted, and bytes per client."""
    clients, seconds = max(figures["clients"], 1), figures["seconds"]
    wanted = case.wanted * clients * seconds
    return figures | {
        "share": figures["delivered"] / wanted if wanted else 0.0,
        "kb_per_client": figures["kb_per_s"] * seconds / clients,
    }


def medians(case: Case, by_contender: dict[str, Rounds]) -> dict[str, dict[str, float]]:
    """Each figure's median; `ratio` is the median of the ratios to the baseline of the same round."""
    baseline = {each["round"]: each[case.main] for each in by_contender.get(case.contenders[0], [])}
    result = {}
    for name, rounds in by_contender.items():
        result[name] = {key: median(each[key] for each in rounds) for key in rounds[0]}
        if not result[name]["samples"]:
            # Nothing came, so nothing is known about how long it took.
            for key in LATENCIES:
                del result[name][key]
        ratios = [
            each[case.main] / baseline[each["round"]]
            for each in rounds
            if baseline.get(each["round"])
        ]
        if ratios:
            result[name]["ratio"] = median(ratios)
    return result


def tables(results: Results) -> str:
    """All cases in Markdown."""
    return "\n\n".join(_table(CASES[name], figures) for name, figures in results.items())


def _table(case: Case, by_contender: dict[str, Rounds]) -> str:
    figures = medians(case, by_contender)
    rows = [["", *(FIGURES[key].heading for key in case.figures)]]
    rows.append(["---", *("---:" for _ in case.figures)])
    for name in case.contenders:
        if name in figures:
            rows.append([CONTENDERS[name].title, *_cells(case.figures, figures[name])])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([f"**{case.title}**", "", *lines])


def _cells(keys: Iterable[str], figures: dict[str, Any]) -> list[str]:
    return [FIGURES[key].show(figures[key]) if key in figures else "" for key in keys]
