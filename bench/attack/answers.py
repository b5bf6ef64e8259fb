"""Attacks by what is asked for: pages, tables, history, and answers that nobody reads."""

from bench.attack.attack import MANY, Field, attack, get
from bench.attack.target import NAMES

_DEAR = ("/?all", "/api/prices", "/api/prices.csv", "/symbols/BTCUSDT", "/readyz")


def _history(number: int) -> bytes:
    """The dearest questions: closes of 100 symbols, each time others, and 2,000 candles of one."""
    begin = number * 7 % (len(NAMES) - 100)
    names = ",".join(NAMES[begin : begin + 100])
    if number % 2:
        return get(f"/api/history?symbols={names}&points=288")
    return get(f"/api/history/{NAMES[begin]}?interval=1m&limit=2000")


def _table(number: int) -> bytes:
    """Closes of 100 symbols, again and again of the same ones: only the first need be looked for."""
    begin = number % 8 * 50
    return get(f"/api/history.csv?symbols={','.join(NAMES[begin : begin + 100])}&points=288")


@attack()
def pages_unread(field: Field) -> None:
    """2,000 connections of one address ask for the largest page and never read it."""
    field.open(2000, get("/?all"), reads=False, window=4096)


@attack()
def pages_unread_of_many(field: Field) -> None:
    """2,000 connections of 250 addresses ask for the largest page and never read it."""
    field.open(2000, get("/?all"), reads=False, window=4096, sources=MANY)


@attack()
def tables_unread(field: Field) -> None:
    """2,000 connections of 250 addresses ask for closes as a table each, and never read it."""
    field.open(2000, _table, reads=False, window=4096, sources=MANY)


@attack()
def hundred_pages(field: Field) -> None:
    """100 connections of one address ask for / at once, again and again."""
    field.open(100, get("/", "Connection: close"), again=True)


@attack()
def hundred_pages_of_many(field: Field) -> None:
    """100 connections of as many addresses ask for / at once, again and again."""
    field.open(100, get("/", "Connection: close"), again=True, sources=MANY)


@attack()
def dear_answers(field: Field) -> None:
    """50 connections ask for whole tables and pages, one after the other, without end."""
    requests = [get(path, "Connection: close") for path in _DEAR]
    field.open(50, lambda number: requests[number % len(requests)], again=True, sources=MANY)


@attack()
def dear_history(field: Field) -> None:
    """1,000 connections ask for the longest history, of other symbols each time."""
    field.open(1000, _history, sources=MANY)


ALL = (
    pages_unread,
    pages_unread_of_many,
    tables_unread,
    hundred_pages,
    hundred_pages_of_many,
    dear_answers,
    dear_history,
)
