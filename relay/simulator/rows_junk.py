"""Junk in the rows of /api/v3/klines: each sort is HTTP 200, and none can be used as it is."""

import json
from collections.abc import Callable
from typing import Any

Rows = list[list[Any]]


def _each(change: Callable[[list[Any]], Any]) -> Callable[[Rows], str]:
    return lambda rows: json.dumps([change(list(row)) for row in rows or [[0] + ["1"] * 11]])


def _put(position: int, value: object) -> Callable[[Rows], str]:
    return _each(lambda row: [*row[:position], value, *row[position + 1 :]])


#: What is answered instead of the rows; one after the other.
KLINES_JUNK: tuple[Callable[[Rows], str], ...] = (
    lambda _: '{"code":-1000,"msg":"An unknown error occurred while processing the request."}',
    _put(1, None),
    _put(2, "NaN"),
    _put(3, "1e400"),
    _put(4, "-1.0"),
    _put(0, "soon"),
    _put(0, 10**30),
    _each(lambda row: [row[0] + 1, *row[1:]]),  # opens when no candle does
    _each(lambda row: row[:4]),
    _each(lambda row: [row[0], row[1], row[3], row[2] + "9", *row[4:]]),  # high is below low
    lambda rows: json.dumps(rows[::-1] + rows),
    lambda _: "[" * 100_000,
    lambda _: "null",
    lambda _: "<html><body>502 Bad Gateway</body></html>",
    lambda _: "",
)
