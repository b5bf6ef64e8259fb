"""Attacks by streams: too many of them, rubbish on them, and those that are not read."""

from bench.attack.attack import MANY, Field, attack, get
from bench.attack.crowd import STREAMS
from bench.attack.target import ACCESS_TOKENS, HOLDER, bearer

_EVENTS = get("/events?symbols=BTCUSDT", "Accept: text/event-stream")
_EVERYTHING = get("/events", "Accept: text/event-stream")
#: Of the row that fills the worker: so many streams there may be, those of the crowd among them.
_STREAMS = 250


@attack()
def rubbish_on_a_stream(field: Field) -> None:
    """4 clients of /events send rubbish as fast as it is taken."""
    field.open(4, _EVENTS, drip=b"\xff" * 65_536, again=True)


@attack(MAX_CLIENTS=str(_STREAMS), most={"200": _STREAMS - STREAMS})
def too_many_streams(field: Field) -> None:
    """120 addresses open a stream where MAX_CLIENTS (250) leaves room for 56."""
    field.open(120, _EVENTS, sources=MANY)


@attack()
def endless_opens(field: Field) -> None:
    """One address opens 2,000 streams and keeps them."""
    field.open(2000, _EVENTS)


@attack(ACCESS_TOKENS=ACCESS_TOKENS, most={"200": 1000})
def streams_of_a_token(field: Field) -> None:
    """2,000 streams of 250 addresses are opened and kept with one token."""
    field.open(2000, get("/events", bearer(HOLDER)), sources=MANY)


@attack(ACCESS_TOKENS=ACCESS_TOKENS, most={"200": 0})
def guesses(field: Field) -> None:
    """100 connections of 250 addresses show a wrong token, again and again."""
    wrong = bearer("wrong-wrong-wrong")
    field.open(100, get("/", wrong, "Connection: close"), again=True, sources=MANY)


@attack()
def churn(field: Field) -> None:
    """250 addresses open a stream and leave at once, 400 times a second."""
    field.open(100, _EVERYTHING, again=True, leaves=0.05, sources=MANY)


@attack()
def slow_readers(field: Field) -> None:
    """500 streams of every symbol, of 250 addresses, with a small window that nobody reads."""
    field.open(500, _EVERYTHING, reads=False, window=2048, sources=MANY)


@attack()
def half_closed(field: Field) -> None:
    """1,000 connections end their half in the middle of a head, or behind the request of a stream."""
    beginnings = (_EVENTS[:20], _EVENTS)
    field.open(1000, lambda number: beginnings[number % 2], ends=True, sources=MANY)


ALL = (
    *(rubbish_on_a_stream, too_many_streams, endless_opens, streams_of_a_token, guesses, churn),
    *(slow_readers, half_closed),
)
