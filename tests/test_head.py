"""What is read as a request's head, and what is refused because two readers could differ about it."""

import pytest

from relay.server.head import (
    MAX_FIELDS,
    MAX_LINE,
    BadHead,
    check_beginning,
    parse,
    split_target,
)


def request(*fields: str, line: str = "GET / HTTP/1.1", host: str = "Host: relay") -> bytes:
    return "\r\n".join(filter(None, (line, host, *fields))).encode("latin-1")


def refusal(data: bytes) -> str:
    with pytest.raises(BadHead) as refused:
        parse(data)
    return refused.value.status[:3]


def test_a_head_is_read_as_wsgi_names_it():
    head = parse(request("Accept:  text/html ", "Content-Type: a/b", line="POST /x?y=1 HTTP/1.0"))
    assert head[:3] == ("POST", "/x?y=1", "HTTP/1.0")
    assert head.fields == {
        "HTTP_HOST": "relay",
        "HTTP_ACCEPT": "text/html",
        "CONTENT_TYPE": "a/b",
    }


def test_fields_that_come_twice_are_joined():
    head = parse(request("Accept: a", "ACCEPT: b", "Cookie: a=1", "Cookie: b=2"))
    assert head.fields["HTTP_ACCEPT"] == "a, b"
    assert head.fields["HTTP_COOKIE"] == "a=1; b=2"


def test_a_field_with_an_underscore_is_left_out():
    assert "HTTP_X_REAL" not in parse(request("X_Real: 1")).fields


def test_a_target_may_be_a_whole_url():
    assert parse(request(line="GET http://relay/x?y HTTP/1.1")).target == "/x?y"
    assert parse(request(line="GET HTTPS://Relay?y HTTP/1.1")).target == "/?y"
    head = parse(request(line="GET http://other:80/ HTTP/1.0", host=""))
    assert head.fields["HTTP_HOST"] == "other:80"


def test_a_path_is_unquoted_and_a_query_is_not():
    assert split_target("/a%20%E5%B8%81?b=%20") == ("/a \xe5\xb8\x81", "b=%20")


@pytest.mark.parametrize(
    ("fields", "has_body"),
    [
        ((), False),
        (("Content-Length: 0",), False),
        (("Content-Length: 000",), False),
        (("Content-Length: 1",), True),
        (("Transfer-Encoding: Chunked",), True),
    ],
)
def test_a_body_is_what_was_announced(fields, has_body):
    assert parse(request(*fields)).has_body is has_body


@pytest.mark.parametrize(
    ("line", "fields", "keeps"),
    [
        ("GET / HTTP/1.1", (), True),
        ("GET / HTTP/1.1", ("Connection: Close",), False),
        ("GET / HTTP/1.1", ("Connection: x, close",), False),
        ("GET / HTTP/1.0", (), False),
        ("GET / HTTP/1.0", ("Connection: Keep-Alive",), True),
        ("GET / HTTP/1.0", ("Connection: keep-alive, close",), False),
    ],
)
def test_a_connection_is_kept_as_the_client_wishes(line, fields, keeps):
    assert parse(request(*fields, line=line)).keeps_connection is keeps


@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "GET / HTTP/0.9",
        "GET / HTTP/1.9",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        "GET / HTTP/1.1 ",
        "GET  / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "G(T / HTTP/1.1",
        " GET / HTTP/1.1",
        "CONNECT relay:80 HTTP/1.1",
        "GET relay HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://other/ HTTP/1.1",
    ],
)
def test_a_malformed_request_line_is_refused(line):
    assert refusal(request(line=line)) == "400"


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 1", "Content-Length: 1"),
        ("Content-Length: 1", "Content-Length: 2"),
        ("Content-Length: 1, 1",),
        ("Content-Length: +0",),
        ("Content-Length: -1",),
        ("Content-Length: 0x1",),
        ("Content-Length: 1_0",),
        ("Content-Length: \xb2",),
        ("Content-Length:",),
        ("Content-Length: " + "9" * 19,),
        ("Transfer-Encoding: x, chunked",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding:",),
        ("Transfer-Encoding: chunked", "Content-Length: 1"),
        ("Host: other",),
        ("Accept : a",),
        (" Accept: a",),
        ("Accept: a", " b"),
        ("Accept: a", "\tb: c"),
        ("Accept",),
        (": a",),
        ("Acc\xe9pt: a",),
        ("A: b\nB: c",),
        ("A: b\rB: c",),
        ("A: b\x00",),
        ("A: b\x7f",),
        ("N" * 70 + " : a",),
    ],
)
def test_a_field_that_two_readers_could_differ_about_is_refused(fields):
    assert refusal(request(*fields)) == "400"


def test_chunks_are_unknown_to_http_1_0():
    assert refusal(request("Transfer-Encoding: chunked", line="GET / HTTP/1.0")) == "400"


def test_only_http_1_0_may_leave_the_host_out():
    assert refusal(request(host="")) == "400"
    assert parse(request(host="", line="GET / HTTP/1.0")).fields == {}


def test_every_size_has_a_bound():
    assert refusal(request(line=f"GET /{'x' * MAX_LINE} HTTP/1.1")) == "414"
    assert refusal(request(*["A: b"] * MAX_FIELDS)) == "431"
    assert refusal(request("A: " + "b" * MAX_LINE)) == "431"
    assert refusal(request(*["A: " + "b" * 7000] * 5)) == "431"
    assert len(parse(request(*["A: " + "b" * 7000] * 4)).fields["HTTP_A"]) > 28000
    longest = request(line="GET /" + "x" * (MAX_LINE - 16) + " HTTP/1.1")
    assert len(parse(longest).target) == MAX_LINE - 15


def test_a_size_is_judged_before_the_end_has_come():
    check_beginning(b"x" * MAX_LINE)
    with pytest.raises(BadHead):
        check_beginning(b"x" * (MAX_LINE + 1))
    with pytest.raises(BadHead):
        check_beginning(b"GET / HTTP/1.1\r\n" + b"x" * (MAX_LINE + 1))
    with pytest.raises(BadHead):
        check_beginning(b"GET / HTTP/1.1\r\n" + (b"x" * 7000 + b"\r\n") * 5)


def test_a_bare_line_end_is_refused_before_the_end_has_come():
    check_beginning(b"GET / HTTP/1.1\r\nHost: x\r")
    with pytest.raises(BadHead):
        check_beginning(b"GET / HTTP/1.1\nHost: x\n\n")


def test_what_is_no_text_is_refused_by_its_first_byte():
    check_beginning(b"G")
    for first in (b"\x16", b"\x00", b" ", b"\x80"):
        with pytest.raises(BadHead):
            check_beginning(first)
