"""The figures of the documents are those of the code: settings with their defaults, and limits."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from relay.config import Config
from tests.processes import ROOT

#: What a unit of docs/limits.md is in those of the code: a time in seconds or milliseconds, a size in bytes.
UNITS = {
    "ms": (0.001,),
    "s": (1, 1000),
    "min": (60, 60_000),
    "h": (3600, 3_600_000, 1),
    "day": (86_400,),
    "days": (86_400, 86_400_000),
    "KiB": (1 << 10,),
    "MiB": (1 << 20,),
}
FIGURE = re.compile(r"(\d[\d,]*(?:\.\d+)?(?:e-?\d)?)(?: (ms|s|min|h|days?|KiB|MiB)\b)?")
#: A file, and the names of it that a row gives.
NAMED = re.compile(r"`([\w/]+\.(?:py|js))`((?:,? ?\b[A-Z][A-Z_]+)+)")
#: What a port may be is known.
PORTS = ("port", "metrics_port")
#: "5 to 20 s".
RANGE = re.compile(r"(\d[\d.]*) to (\d[\d.]*) (ms|s|min|h)\b")
#: Their rows have no such figure: twice 1.25 heartbeats, "a ping".
IN_OTHER_WORDS = {"FORSAKEN", "NEWCOMER"}


def rows(document: str) -> list[list[str]]:
    """The cells of each row of its tables, without their heads."""
    lines = (ROOT / "docs" / document).read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:2] == "| "
    ]
    return [row for row in cells if row[0] not in ("hop", "what", "variable", "client")]


def settings() -> dict[str, str]:
    """Each setting with the default that docs/configuration.md gives it."""
    found = {}
    for names, default, _ in rows("configuration.md"):
        told = re.findall(r"`([A-Z_]+)`", names)
        values = default.split(", ") if len(told) > 1 and ", " in default else [default] * len(told)
        found |= dict(zip(told, values, strict=True))
    return found


def plain(value: Any) -> str:
    """A default as a person writes it."""
    if isinstance(value, tuple | list):
        return ",".join(value).replace("'", "")
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value or "")


def test_every_setting_stands_in_the_document_with_its_default() -> None:
    told = settings()
    usual = Config(_env_file=None)
    # gunicorn reads that one.
    assert told.pop("WEB_CONCURRENCY") == "`1`"
    assert set(told) == {name.upper() for name in Config.model_fields}
    wrong = {}
    for name, default in told.items():
        value = plain(getattr(usual, name.lower()))
        said = default.strip("`")
        if default.startswith("`") and said not in (value, value or "0"):
            wrong[name] = (said, value)
    assert wrong == {}


def test_every_bound_of_a_setting_stands_in_its_row() -> None:
    meanings = {
        name: meaning
        for names, _, meaning in rows("configuration.md")
        for name in re.findall(r"`([A-Z_]+)`", names)
    }
    for name, field in Config.model_fields.items():
        for bound in field.metadata:
            number = getattr(bound, "le", getattr(bound, "ge", 0))
            if number > 1 and name not in PORTS:
                assert re.search(rf"\b{number}\b", meanings[name.upper()]), (name, bound)


def test_the_example_file_has_every_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    example, usual = Config(_env_file=ROOT / ".env.example"), Config(_env_file=None)
    assert example == usual


def limits() -> list[tuple[str, Path, str]]:
    """What docs/limits.md says, the file, and a name of a value in it."""
    found = []
    for row in rows("limits.md"):
        line = " | ".join(row)
        for file, names in NAMED.findall(line):
            path = next(
                p
                for p in (ROOT / "relay" / file, ROOT / "static" / file, ROOT / file)
                if p.exists()
            )
            each = re.findall(r"[A-Z][A-Z_]+", names)
            ending = each[-1].rpartition("_")[2]
            found += [(line, path, name + ending if name[-1] == "_" else name) for name in each]
    return found


def numbers(value: Any) -> set[float]:
    """Those that a value holds."""
    if isinstance(value, dict):
        return numbers(list(value.values()))
    return (
        {n for each in value for n in numbers(each)} if isinstance(value, list | tuple) else {value}
    )


def held(path: Path, name: str) -> set[float]:
    """The numbers of a value in the code."""
    if path.suffix == ".py" and "relay" in path.parts[len(ROOT.parts) :]:
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        return numbers(getattr(module, name, None) or getattr(module, f"_{name}"))
    given = re.search(rf"\b{name}\b[^=\n]*= (.*)", path.read_text())
    assert given, f"{path.name} has no {name}"
    return {float(n.replace("_", "")) for n in re.findall(r"\d[\d_]*(?:\.\d+)?", given[1])}


def told(line: str) -> set[float]:
    """Every quantity of a row, in each unit that the code may have it in."""
    found = set()
    for figure, unit in FIGURE.findall(RANGE.sub(r"\1 \3 to \2 \3", line)):
        number = float(figure.replace(",", ""))
        found |= {number * scale for scale in (1, *UNITS.get(unit, ()))}
    return found


def test_every_limit_has_the_value_that_the_document_gives_it() -> None:
    listed = limits()
    assert len(listed) > 80
    wrong = [
        (name, sorted(held(path, name)), line)
        for line, path, name in listed
        if name not in IN_OTHER_WORDS and not held(path, name) <= told(line)
    ]
    assert wrong == []
