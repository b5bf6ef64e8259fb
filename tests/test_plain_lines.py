"""What strangers say reaches no log raw: not ours, and not gunicorn's."""

import io
import logging
import socket

from relay.plain_lines import PlainLines, plain
from tests.processes import WAIT_SECONDS, Gunicorn

HOSTILE = "a\x1b[31mred\r\n2026 forged\x9b31m\x00\u202eb\x7f"


def test_every_control_character_is_spelled() -> None:
    assert plain("bitcoin 币安 €") == "bitcoin 币安 €"
    assert plain(HOSTILE) == r"a\x1b[31mred\r\n2026 forged\x9b31m\x00\u202eb\x7f"


def test_a_message_is_one_line_and_a_traceback_keeps_its_lines() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines())
    log = logging.Logger("x")
    log.addHandler(handler)
    log.warning("heard %s", HOSTILE)
    assert stream.getvalue().count("\n") == 1
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("it failed")
    lines = stream.getvalue().split("\n")
    assert any(line.startswith("Traceback") for line in lines)
    assert all(line.isprintable() for line in lines)


def test_requests_are_logged_in_plain_lines_and_bad_ones_without_a_traceback() -> None:
    options = (
        "--access-logfile",
        "-",
        "--access-logformat",
        "asked %(r)s %(U)s %(q)s %(f)s %(a)s %({origin}i)s",
    )
    field = b"\xc2\x9b31m\x9b\xff"
    fields = b"".join(
        name + b": " + field + b"\r\n"
        for name in (b"Referer", b"User-Agent", b"Origin", b"Last-Event-ID")
    )
    with Gunicorn(options=options, BINANCE_WS="ws://127.0.0.1:1") as relay:
        for line in (
            b"GET /%1b%5b31m%0aforged?x=%1b HTTP/1.1",
            b"GET /symbols/%1b%5b31m\x9b?\x9b HTTP/1.1",
            b"GET /api/prices?symbols=%1b%0a HTTP/1.1",
            b"GET /\x1b[31m HTTP/1.1",
            b"\x16\x03\x01",
            b"PRI * HTTP/2.0",
        ):
            with socket.create_connection(("127.0.0.1", relay.port), WAIT_SECONDS) as sock:
                sock.sendall(line + b"\r\nHost: x\r\n" + fields + b"\r\n")
                assert sock.recv(4096).startswith(b"HTTP/1.1 ")
        relay.http.get("/livez?x=1&ticket=good-for-a-minute")
        relay.http.get("/livez?last")
        relay.wait_for_line("livez.last")
        asked = [line for line in relay.output if "asked" in line]
        assert len(asked) == 5
        assert not [line for line in asked if "good-for-a-minute" in line]
        assert all(line.rstrip("\n").isprintable() for line in relay.output)
        assert not [line for line in relay.output if "forged" in line and "asked" not in line]
        assert not [line for line in relay.output if "Traceback" in line]
