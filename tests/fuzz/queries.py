"""What a client asks for: in a URL, and in messages over its WebSocket."""

import string
from contextlib import suppress
from urllib.parse import parse_qsl

from relay.server.websocket import Closed
from relay.ticker import SYMBOL
from relay.web.subscription import MAX_NAMES_BYTES, BadQuery, Subscription, parse
from tests.fanout import Bench
from tests.fuzz.target import Target

_MAX_SYMBOLS = 512
_SEVERAL = 4


def check_query(data: bytes) -> None:
    """A line of query, a line of Last-Event-ID."""
    query, _, last_event_id = data.decode("latin-1").partition("\n")
    fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=100_000))
    wished = _wish(fields, last_event_id)
    assert wished == _wish(fields, last_event_id), "another result the second time"
    if isinstance(wished, Subscription):
        _judge(wished)
        assert _wish(_spelled(wished), "") == wished, "not what it says it is"
    else:
        assert len(wished) < 300, "a refusal repeats what it refuses"


def _wish(fields: dict[str, str], last_event_id: str) -> Subscription | str:
    try:
        return parse(fields, last_event_id, _MAX_SYMBOLS)
    except BadQuery as refused:
        return str(refused)


def _judge(wished: Subscription) -> None:
    assert wished.rate == 0 or 0.01 <= wished.rate <= 100
    assert len(wished.since) <= 60
    assert wished.since.isascii()
    assert not set(wished.since) & set("\r\n ")
    if wished.symbols is not None:
        _judge_symbols(wished.symbols)


def _judge_symbols(symbols: tuple[str, ...]) -> None:
    assert len(symbols) <= _MAX_SYMBOLS
    assert list(symbols) == sorted(set(symbols))
    assert all(SYMBOL.fullmatch(symbol) for symbol in symbols)
    assert not set("".join(symbols)) & set(string.ascii_lowercase)
    assert len('","'.join(symbols).encode()) <= MAX_NAMES_BYTES


def _spelled(wished: Subscription) -> dict[str, str]:
    """The query that asks for the same."""
    fields = {"fields": wished.fields, "batch": str(int(wished.batch))}
    if wished.symbols is not None:
        fields["symbols"] = ",".join(wished.symbols)
    if wished.rate:
        fields["rate"] = str(wished.rate)
    if wished.since:
        fields["since"] = wished.since
    return fields


def check_commands(data: bytes) -> None:
    """A client's messages, a line each."""
    bench = Bench()
    bench.publish("A", "B", "BTCUSDT")
    speaker = bench.join(("A",), websocket=True)
    listener = bench.join()
    for number, line in enumerate(data.split(b"\n")[:_SEVERAL]):
        message: str | bytes = line
        with suppress(UnicodeDecodeError):
            message = line.decode()
        before = len(speaker.sock.taken)
        try:
            bench.commands.obey(speaker.client, message)
        except Closed as closed:
            assert closed.code in (1007, 1008)
            break
        if speaker.symbols is not None:
            _judge_symbols(speaker.symbols)
        rate = speaker.client.cohort.rate
        assert rate == 0 or 0.01 <= rate <= 100
        assert len(speaker.sock.taken) > before, "a command without an answer"
        assert len(speaker.sock.taken) - before <= 1 << 16
        bench.publish("B" if number % 2 else "A")
    bench.turn(200)
    bench.look()
    assert not speaker.viewer.went_back
    # Nothing that one client says is noticed by another.
    assert listener.viewer.prices == {s: str(p) for s, p in bench.prices.items()}


QUERY = Target(
    "query",
    check_query,
    seeds=(
        b"symbols=BTCUSDT,ethusdt&rate=2&fields=ticker&batch=1&since=6b033fcff2005d-60",
        b"rate=.5e1&fields=candle\n6b033fcff2005d-61",
        b"symbols=%E5%B8%81%E5%AE%89",
        b"symbols=" + b",".join(b"S%d" % number for number in range(513)),
    ),
    words=(
        *(
            b"symbols=",
            b"rate=",
            b"fields=",
            b"batch=",
            b"since=",
            b"&",
            b",",
            b"\n",
            b"%0a",
            b"%00",
        ),
        *(
            b"50.0001",
            b"1e-2",
            b"1_0",
            b"nan",
            b"inf",
            b"-0",
            b"100",
            b"99e99",
            b"%D9%A1",
            b"0" * 400,
        ),
        *(
            b"price",
            b"ticker",
            b"candle",
            b"A" * 33,
            b"%C4%B0",
            b"%EF%AC%81,",
            b"ff-1",
            b"0-" + b"9" * 19,
        ),
    ),
)
COMMANDS = Target(
    "commands",
    check_commands,
    seeds=(
        b'{"op":"subscribe","symbols":["BTCUSDT"]}\n{"op":"rate","rate":2}',
        b'{"op":"unsubscribe","symbols":["A"]}\n{"op":"subscribe"}\n{"op":"ping","id":1}',
        b'{"op":"ping","id":"x"}\n{"op":"rate","rate":0}\n{"op":"unsubscribe"}',
    ),
    words=(
        *(
            b'{"op":',
            b'"subscribe"',
            b'"unsubscribe"',
            b'"rate"',
            b'"ping"',
            b'"symbols":',
            b'"id":',
        ),
        *(b"null", b"[" * 2000, b'{"a":' * 500, b"]", b"}", b",", b'"A"', b'"B",', b"\n", b"1e400"),
        *(b"-1", b"9" * 400, b"\xff", b"\\ud800", b"\\u0000", b'"' + b"x" * 65 + b'"', b"1e-3"),
    ),
)
