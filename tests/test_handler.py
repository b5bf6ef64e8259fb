"""The requests of one connection, served over a pair of sockets: every wait on a client ends."""

import _socket
import logging
import socket
import struct
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import SimpleNamespace

import gevent
import gevent.event
import gevent.socket
import pytest

from relay.server import turns as turns_module
from relay.server.connection import _READ, CRUMBS, MAX_BLANK, MAX_REST, Connection
from relay.server.forwarded import Proxies
from relay.server.handler import Handler, Patience
from relay.server.peers import Peers
from relay.server.takeover import KEY, Life, Takeover
from relay.server.turns import Turns
from relay.server.unbelieved import Unbelieved
from relay.server.visitors import Visitors
from relay.server.waiting import MAX_UNREAD_BYTES, UNREAD_SECONDS, Waiting

DEADLINE_SECONDS = 20.0
#: For what a test waits to run out.
SHORT = 0.05
HOST = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


Pair = tuple[socket.socket, socket.socket]


class Served:
    """A connection to a handler as its client sees it, and what the application was asked."""

    def __init__(self, pair: Callable[[], Pair] = socket.socketpair) -> None:
        self.now = 1000.0
        self.asked: list[dict[str, object]] = []
        self.answer = [b"hello"]
        self.takeover: Takeover | None = None
        everybody = Visitors(lambda: self.now)
        proxies = Proxies(["127.0.0.1"])
        self.worker = SimpleNamespace(
            peers=Peers(everybody, proxies, 2, lambda: self.now),
            cfg=SimpleNamespace(keepalive=DEADLINE_SECONDS),
            waiting=Waiting(lambda: self.now),
            visitors=everybody,
            turns=Turns(),
            proxies=proxies,
            unbelieved=Unbelieved(),
            probes=frozenset({"/livez"}),
            draining=False,
            count_request=lambda: None,
            log=SimpleNamespace(access_log_enabled=False, debug=logging.debug),
        )
        self.server = SimpleNamespace(
            worker=self.worker,
            environ={"wsgi.url_scheme": "http"},
            application=self._application,
            is_full=False,
            tls=None,
        )
        ours, theirs = pair()
        self.socket = gevent.socket.socket(fileno=theirs.detach())
        self.socket.settimeout(DEADLINE_SECONDS)
        sock = _socket.socket(ours.family, ours.type, ours.proto, fileno=ours.detach())
        sock.setblocking(False)
        peer = self.worker.peers.enter(("10.0.0.1", 4711))
        self.visitor = peer.visitor
        self.handler = Handler(sock, peer, self.server)
        self.handler.patience = Patience(*[DEADLINE_SECONDS] * len(Patience._fields))
        self.greenlet = gevent.spawn(self.handler.handle)

    def patient(self, **seconds: float) -> None:
        """Changes how long the handler waits."""
        self.handler.patience = self.handler.patience._replace(**seconds)

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self, count: int = 1) -> bytes:
        """So many answers of "hello"."""
        heard = b""
        while heard.count(b"hello") < count:
            data = self.socket.recv(4096)
            assert data, heard
            heard += data
        return heard

    def hear_all(self) -> bytes:
        """Everything until the connection's end."""
        heard = b""
        while data := self.socket.recv(65536):
            heard += data
        return heard

    def wait_for_end(self) -> None:
        """Until the handler has let go of the connection."""
        self.greenlet.get(timeout=DEADLINE_SECONDS)

    def _application(self, environ, start_response):
        self.asked.append(dict(environ))
        if self.takeover:
            environ[KEY], self.takeover = self.takeover, None
            start_response("200 OK", [])
            return iter(())
        start_response("200 OK", [("Content-Length", str(sum(map(len, self.answer))))])
        return iter(self.answer)


def over_tcp() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname())
        return listening.accept()[0], theirs


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.socket.close()
    served.greenlet.kill()


def test_requests_that_come_together_are_answered_in_order(served):
    served.say(GET.replace(b"/ ", b"/1 ") + b"\r\n" + GET.replace(b"/ ", b"/2?x=%20 "))
    assert served.hear(2).count(b"HTTP/1.1 200 OK\r\n") == 2
    asked = [(e["PATH_INFO"], e["QUERY_STRING"]) for e in served.asked]
    assert asked == [("/1", ""), ("/2", "x=%20")]


def test_a_request_that_comes_byte_by_byte_is_answered(served):
    for byte in GET:
        served.say(bytes([byte]))
        gevent.sleep(0)
    served.hear()


def test_an_answer_says_when_the_connection_closes_behind_it(served):
    served.say(GET)
    assert b"\r\nConnection: close" not in served.hear()
    served.worker.draining = True
    served.say(GET)
    assert b"\r\nConnection: close\r\n" in served.hear_all()


def test_http_1_0_is_closed_unless_it_asks_for_more(served):
    request = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    served.say(request)
    assert b"Connection: keep-alive\r\n" in served.hear()
    served.say(request.replace(b"keep-alive", b"close"))
    assert b"Connection: close\r\n" in served.hear_all()


def test_head_gets_no_body_and_keeps_the_connection(served):
    served.say(GET.replace(b"GET", b"HEAD") + GET)
    assert served.hear().count(b"Content-Length: 5") == 2


def test_a_body_of_unknown_length_is_sent_in_chunks(served):
    served.handler.server.application = lambda _, start: (
        start("200 OK", []) and iter([b"hello", b"!"])
    )
    served.say(GET.replace(HOST, HOST + b"Connection: close\r\n"))
    heard = served.hear_all()
    assert heard.endswith(b"\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")


def test_a_bad_request_is_refused_and_ends_the_connection(served):
    served.say(GET + b"GET / HTTP/1.9\r\n\r\n" + GET)
    assert served.hear_all().count(b"HTTP/1.1 ") == 2
    assert len(served.asked) == 1


def test_an_error_of_the_application_is_answered(served):
    served.handler.server.application = lambda *_: 1 / 0
    served.handler.handle_error = lambda *_: served.handler._send_error_response_if_possible(500)
    served.say(GET)
    assert served.hear_all().startswith(b"HTTP/1.1 500 ")


def test_the_first_byte_has_a_deadline(served):
    served.patient(head=SHORT)
    assert served.hear_all() == b""
    assert not served.worker.waiting.first
    assert not served.visitor.waiting.first


def test_line_ends_alone_are_no_first_byte(served):
    served.patient(head=SHORT)
    served.say(b"\r\n")
    assert served.hear_all() == b""


def test_line_ends_without_end_are_refused(served):
    served.patient(linger=SHORT)
    served.say(b"\r\n" * MAX_BLANK)
    assert served.hear_all().startswith(b"HTTP/1.1 400 ")


def test_what_is_no_text_is_refused_at_once(served):
    served.patient(linger=SHORT)
    served.say(bytes.fromhex("16030100f8010000f40303"))
    assert served.hear_all().startswith(b"HTTP/1.1 400 ")


def test_the_head_deadline_counts_from_the_beginning_of_the_connection(served):
    head = 3.0
    served.patient(head=head, linger=SHORT)
    wait_for(lambda: served.worker.waiting.first)
    gevent.sleep(head / 2)
    served.say(b"G")
    began = time.monotonic()
    assert served.hear_all().startswith(b"HTTP/1.1 408 ")
    # Were it counted anew from the first byte, it would take twice as long as it does.
    assert time.monotonic() - began < head


def test_requests_that_come_together_give_others_a_turn_between_them(served, monkeypatch):
    monkeypatch.setattr(turns_module, "TURN_SECONDS", 0)
    turns = []

    def take_turns() -> None:
        while True:
            turns.append(len(served.asked))
            gevent.sleep(1e-6)

    taking = gevent.spawn(take_turns)
    served.say(GET * 20)
    served.hear(20)
    taking.kill()
    assert set(range(1, 20)) <= set(turns)


@pytest.mark.parametrize("whose", ["the worker's", "the address's"])
def test_no_connection_is_kept_while_every_slot_is_taken(served, whose):
    served.patient(linger=SHORT)
    served.say(GET)
    assert b"Connection: close" not in served.hear()
    if whose == "the worker's":
        served.server.is_full = True
    else:
        served.worker.peers.enter(("10.0.0.1", 4712))
    served.say(GET * 3)
    assert served.hear_all().count(b"\r\nConnection: close\r\n") == 1
    assert len(served.asked) == 2


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much each read of a connection brought."""
    reads = []
    read = Connection._read

    def count(connection: Connection, deadline: float) -> bool:
        before = len(connection.rest)
        more = read(connection, deadline)
        reads.append(len(connection.rest) - before)
        return more

    monkeypatch.setattr(Connection, "_read", count)
    return reads


def test_of_a_head_that_comes_in_crumbs_few_are_read_singly(served, reads):
    for byte in GET[:-2] + b"A: " + b"x" * (4 * CRUMBS) + b"\r\n\r\n":
        served.say(bytes([byte]))
        gevent.sleep(0)
    served.hear()
    assert len(reads) < 2 * CRUMBS


def test_the_next_request_has_a_deadline(served):
    served.say(GET)
    served.hear()
    served.worker.cfg.keepalive = SHORT
    served.say(GET)
    served.hear_all()


def test_a_head_has_a_deadline_however_it_drips(served):
    served.patient(head=SHORT, linger=SHORT)

    def drip() -> None:
        with suppress(OSError):
            while True:
                served.say(b"x")
                gevent.sleep(SHORT / 10)

    dripping = gevent.spawn(drip)
    assert served.hear_all().startswith(b"HTTP/1.1 408 ")
    dripping.kill()


@pytest.mark.parametrize(
    "body", [b"Content-Length: 1\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"]
)
def test_a_body_that_never_comes_is_not_waited_for(served, body):
    served.patient(linger=SHORT)
    served.say(GET[:-2] + body)
    assert b"Connection: close" in served.hear_all()
    assert served.asked[0]["wsgi.input"].read() == b""
    served.wait_for_end()


def test_a_body_is_no_request(served):
    served.say(GET[:-2] + b"Content-Length: %d\r\n\r\n" % len(GET) + GET)
    served.hear()
    served.socket.shutdown(socket.SHUT_WR)
    assert served.hear_all() == b""
    assert len(served.asked) == 1


@pytest.mark.parametrize(
    ("body", "piece"),
    [
        (b"Content-Length: 99999999\r\n\r\n", bytes(65536)),
        (b"Transfer-Encoding: chunked\r\n\r\n", bytes(65536)),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
    ids=["length", "chunked", "chunks of one byte"],
)
def test_of_a_body_little_is_read(served, reads, body, piece):
    served.patient(linger=4 * SHORT)
    served.say(GET[:-2] + body)

    def pour() -> None:
        while True:
            served.say(piece)
            gevent.sleep(0)

    pouring = gevent.spawn(pour)
    served.wait_for_end()
    with pytest.raises(OSError, match=r"pipe|reset"):
        pouring.get(timeout=DEADLINE_SECONDS)
    assert sum(reads) <= len(GET) + len(body) + MAX_REST + _READ
    assert len(reads) < 2 * CRUMBS


def test_an_answer_that_nobody_reads_has_a_deadline(served):
    served.answer = [bytes(1 << 23)]
    served.patient(stall=SHORT)
    served.say(GET)
    served.wait_for_end()


def wait_for(condition) -> None:
    """Until others have made it so."""
    with gevent.Timeout(DEADLINE_SECONDS):
        while not condition():
            gevent.sleep(SHORT / 10)


@pytest.mark.parametrize("half", [b"G", GET[:-2], b"\r\nGET"])
def test_half_a_head_is_given_up_for_others(served, half):
    waiting = served.worker.waiting
    served.say(half)
    wait_for(lambda: waiting.begun)
    assert waiting.give_up_one()
    assert served.hear_all() == b""
    served.wait_for_end()
    assert not waiting.begun
    assert not waiting.give_up_one()


def test_the_end_of_an_answered_client_is_not_waited_for_where_others_wait(served):
    served.say(GET[:-2] + b"Content-Length: 1\r\n\r\n")
    assert served.hear_all().startswith(b"HTTP/1.1 200 OK")
    wait_for(lambda: served.worker.waiting.begun)
    assert served.worker.waiting.give_up_one()
    served.wait_for_end()
    assert not served.worker.waiting.begun


def test_an_answer_that_nobody_reads_is_given_up_for_others_after_a_while(served):
    waiting = served.worker.waiting
    served.answer = [bytes(1 << 23)]
    served.say(GET)
    wait_for(lambda: waiting.unread)
    assert not waiting.give_up_one()
    served.now += UNREAD_SECONDS
    assert waiting.give_up_one()
    served.wait_for_end()
    assert not waiting.unread


def test_of_an_answer_that_nobody_reads_there_is_no_copy(served):
    served.answer = [bytes(1 << 23)]
    tracemalloc.start()
    try:
        served.say(GET)
        wait_for(lambda: served.worker.waiting.unread)
        assert tracemalloc.get_traced_memory()[0] < 1 << 22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("others", [0, MAX_UNREAD_BYTES])
def test_where_many_bytes_wait_for_clients_the_longest_unread_answer_is_given_up(served, others):
    waiting = served.worker.waiting
    longest, its_client = socket.socketpair()
    with longest, its_client:
        waiting.unread[longest] = served.now - UNREAD_SECONDS
        waiting.unread_bytes = others
        served.answer = [bytes(1 << 23)]
        served.say(GET)
        wait_for(lambda: waiting.unread_bytes > others)
        assert (longest not in waiting.unread) is bool(others)
        # Its own has not waited for long.
        assert len(waiting.unread) == 2 - bool(others)
    served.socket.close()
    served.wait_for_end()
    assert waiting.unread_bytes == others


def test_an_answer_that_is_read_in_small_bites_has_a_deadline(served):
    served.answer = [bytes(1 << 23)] * 100
    served.patient(answer=3 * SHORT)
    served.say(GET)

    def sip() -> None:
        with suppress(OSError):
            while served.socket.recv(65536):
                gevent.sleep(SHORT / 10)

    sipping = gevent.spawn(sip)
    served.wait_for_end()
    sipping.join()


def test_a_slow_reader_gets_the_whole_answer(served):
    served.answer = [bytes(1 << 22), b"hello"]
    served.say(GET)
    heard = 0
    while heard < 1 << 22:
        heard += len(served.socket.recv(16384))
        gevent.sleep(0)


def test_a_stream_gets_the_socket_and_what_came_behind_the_request(served):
    taken = gevent.event.AsyncResult()
    served.takeover = Takeover(lambda *args: taken.set(args))
    served.say(GET[:-2] + b"Content-Length: 9\r\n\r\n\r\nabc")
    sock, leftover, websocket = taken.get(timeout=DEADLINE_SECONDS)
    served.wait_for_end()
    assert (leftover, websocket) == (b"\r\nabc", None)
    sock.close()
    assert served.hear_all().startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_stream_may_let_go_of_what_its_beginning_needed(served):
    class Wish:
        """Something that can be seen to be freed."""

    held = gevent.event.AsyncResult()

    def begin(wish: Wish, sock: _socket.socket, *_: object) -> Life:
        seen = weakref.ref(wish)

        def live(stream: _socket.socket) -> None:
            gevent.sleep(0)
            stream.close()
            held.set(seen() is not None)

        return live, sock

    served.takeover = Takeover(partial(begin, Wish()))
    served.say(GET)
    assert held.get(timeout=DEADLINE_SECONDS) is False


def test_a_stream_that_fails_is_told_of_and_harms_nobody(served, monkeypatch):
    errors = []
    monkeypatch.setattr(
        gevent.get_hub(), "handle_error", lambda *error: errors.append(error[1]), raising=False
    )
    served.takeover = Takeover(lambda sock, *_: sock.close() or 1 / 0)
    served.say(GET)
    served.hear_all()
    gevent.sleep(0)
    assert errors == [ZeroDivisionError]


def test_no_answer_is_made_for_a_client_that_has_reset_the_connection() -> None:
    served = Served(over_tcp)
    served.say(GET)
    served.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    served.socket.close()
    served.wait_for_end()
    assert served.asked == []
