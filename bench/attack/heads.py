"""Attacks before and instead of a request: connections, heads, bodies."""

from bench.attack.attack import MANY, Field, attack, get

_HEAD = b"GET /livez HTTP/1.1\r\nHost: relay\r\nX: "
_LONG = get("/livez")[:-2] + b"".join(b"X-%d: %b\r\n" % (i, b"y" * 65_000) for i in range(95))
#: What two readers could differ about.
_STRANGE = [
    get("/livez", "Content-Length: 1", "Content-Length: 2"),
    get("/livez", "Content-Length: +0"),
    get("/livez", "Content-Length: 0", "Content-Length: 0"),
    get("/livez", "Transfer-Encoding: x, chunked"),
    get("/livez", "Transfer-Encoding: chunked", "Content-Length: 3"),
    get("/livez", "Host: other"),
    get("/livez", " folded: yes"),
    get("/livez", "Space : before"),
    b"GET /livez HTTP/1.1\nHost: relay\n\n\r\n\r\n",
    b"GET /livez HTTP/1.9\r\nHost: relay\r\n\r\n",
    b"GET /livez HTTP/1.1\r\n\r\n",
    b"GET  /livez HTTP/1.1\r\nHost: relay\r\n\r\n",
    b"GET /livez\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: relay\r\nX: \0\r\n\r\n",
]
#: The beginning of what a browser sends first over TLS.
_CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2


@attack()
def body_never_comes(field: Field) -> None:
    """2,000 connections of one address announce a body that never comes, again and again."""
    field.open(2000, get("/livez", "Content-Length: 1000", method="POST"), again=True)


@attack()
def slow_heads_of_one(field: Field) -> None:
    """2,000 connections of one address send a head at 1 byte/s."""
    field.open(2000, _HEAD, drip=b"x", every=1.0)


@attack()
def slow_heads_of_many(field: Field) -> None:
    """2,000 connections of 250 addresses send a head at 1 byte/s."""
    field.open(2000, _HEAD, drip=b"x", every=1.0, sources=MANY)


@attack()
def long_heads(field: Field) -> None:
    """50 connections send 95 header lines of 64 KB each, and no end."""
    field.open(50, _LONG, again=True)


@attack()
def pipelined(field: Field) -> None:
    """One connection sends 3,000 requests for /readyz at once, again and again."""
    field.open(1, get("/readyz") * 3000, again=True)


@attack()
def tiny_chunks(field: Field) -> None:
    """4 connections send a body of 1-byte chunks with a GET, as fast as it is taken."""
    request = get("/livez", "Transfer-Encoding: chunked")
    field.open(4, request, drip=b"1\r\nx\r\n" * 500, again=True)


@attack(share=0.3, most={"200": 0})
def strange_framing(field: Field) -> None:
    """14 requests whose end or aim two readers could see differently."""
    field.open(len(_STRANGE), lambda number: _STRANGE[number])


@attack(share=0.3)
def tls(field: Field) -> None:
    """200 clients speak TLS to the port."""
    field.open(200, _CLIENT_HELLO, again=True)


@attack()
def silent(field: Field) -> None:
    """3,000 connections of 250 addresses say nothing at all."""
    field.open(3000, b"", sources=MANY)


@attack(share=0.4)
def control_codes(field: Field) -> None:
    """1,000 request lines, half of them whole, hold codes that a terminal obeys."""
    coded = (b"GET /\x1b[31m\x1b]0;owned\x07 HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n", get("/%1b%5b31m"))
    field.open(1000, lambda number: coded[number % 2], sources=MANY)


@attack()
def resets(field: Field) -> None:
    """250 addresses ask for a page and reset the connection at once, as fast as connections are made."""
    field.open(500, get("/"), again=True, resets=True, sources=MANY)


@attack(limit=256)
def few_files(field: Field) -> None:
    """300 idle connections to a worker that may open 256 files (`ulimit -n 256`)."""
    field.open(300, b"", sources=MANY)


ALL = (
    *(body_never_comes, slow_heads_of_one, slow_heads_of_many, long_heads, pipelined, tiny_chunks),
    *(strange_framing, tls, silent, control_codes, resets, few_files),
)
