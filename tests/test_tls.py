"""TLS in the worker itself (--certfile, --keyfile): everything works as without it."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from relay.fanout.delivery import Delivery
from relay.server.connection import Connection
from relay.server.tls import MAX_UNSAID, RECORD_BYTES, TlsSocket
from relay.server.waiting import Waiting
from tests.certificates import Certificate, make_certificate, needs_openssl
from tests.processes import WAIT_SECONDS, Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def context(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.certificate))


@pytest.fixture(scope="module")
def tls_exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def secure(
    tls_exchange: ScriptedExchange, certificate: Certificate, context: ssl.SSLContext
) -> Iterator[Gunicorn]:
    """The relay in one process, with TLS."""
    options = ("--certfile", str(certificate.certificate), "--keyfile", str(certificate.key))
    with Gunicorn(
        BINANCE_WS=tls_exchange.url, FEED_SILENCE_SECONDS="600", options=options, verify=context
    ) as relay:
        tls_exchange.tick(BTCUSDT="1", ETHUSDT="2")
        wait_until(lambda: relay.http.get("/readyz").status_code == 200, "the relay to be ready")
        yield relay


def test_pages_and_prices_are_served(secure: Gunicorn) -> None:
    assert secure.http.get("/api/prices").json()["prices"] == {"BTCUSDT": "1", "ETHUSDT": "2"}
    assert "BTCUSDT" in secure.http.get("/").text


def test_streams_are_served(
    tls_exchange: ScriptedExchange, secure: Gunicorn, context: ssl.SSLContext
) -> None:
    with (
        EventSource(secure.port, context=context) as events,
        EventSource(secure.port, context=context, Accept_Encoding="gzip") as zipped,
        WebSocket(f"wss://127.0.0.1:{secure.port}/ws", ssl=context) as messages,
    ):
        for price in ("3", "4", "5"):
            tls_exchange.tick(BTCUSDT=price)
            for stream in (events, zipped, messages):
                stream.wait_for_price("BTCUSDT", price)
        messages.say(op="ping")
        messages.wait_for_event("pong")


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n", b"\x16\x03\x01"])
def test_who_does_not_shake_hands_is_closed(secure: Gunicorn, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), WAIT_SECONDS) as stranger:
        stranger.sendall(said)
        while stranger.recv(1000):
            pass
    assert secure.http.get("/livez").status_code == 200


@pytest.mark.parametrize("mine", [True, False], ids=["of its address", "of all"])
def test_who_was_given_up_while_it_waited_costs_no_handshake(mine: bool) -> None:
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    sock = TlsSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())
    waiting, all_waiting = Waiting(), Waiting()
    theirs.sendall(b"its first words")

    def give_up() -> None:
        assert (waiting if mine else all_waiting).give_up_one()

    with theirs, pytest.raises(ConnectionAbortedError, match="given up"):
        Connection(sock, waiting, all_waiting).shake_hands(
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), time.monotonic() + WAIT_SECONDS, give_up
        )
    sock.close()


class Pair:
    """Both ends of a connection in this process, after the handshake."""

    def __init__(self, certificate: Certificate, context: ssl.SSLContext) -> None:
        self._theirs, ours = socket.socketpair()
        for end in (self._theirs, ours):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.ours = TlsSocket(ours.family, ours.type, ours.proto, fileno=ours.detach())
        self.ours.setblocking(False)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate.certificate, certificate.key)
        self.ours.begin(server)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname="127.0.0.1")
        while not self._step():
            self.ours.shake_hands()
        self.ours.shake_hands()

    def _step(self) -> bool:
        self._theirs.setblocking(False)
        with suppress(BlockingIOError):
            self._in.write(self._theirs.recv(1 << 16))
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
        finally:
            self._theirs.sendall(self._out.read())

    def read(self, most: int = 1 << 20) -> bytes:
        """What has come, as far as it can be decrypted."""
        with suppress(BlockingIOError):
            self._in.write(self._theirs.recv(most))
        data = b""
        with suppress(ssl.SSLWantReadError):
            while part := self.tls.read(1 << 16):
                data += part
        return data

    def say(self, data: bytes) -> None:
        self.tls.write(data)
        self._theirs.sendall(self._out.read())

    def encrypt(self, data: bytes) -> Iterator[bytes]:
        """In pieces that the sockets have room for."""
        self.tls.write(data)
        while piece := self._out.read(1000):
            yield piece

    def send(self, encrypted: bytes) -> None:
        self._theirs.sendall(encrypted)

    def say_end(self) -> None:
        self._theirs.sendall(self._out.read())

    def close(self) -> None:
        self.ours.close()
        self._theirs.close()


@pytest.fixture
def pair(certificate: Certificate, context: ssl.SSLContext) -> Iterator[Pair]:
    with closing(Pair(certificate, context)) as pair:
        yield pair


@pytest.mark.parametrize("bite", [100, 5000, 1 << 20])
def test_what_was_taken_arrives_once_and_in_order(pair: Pair, bite: int) -> None:
    """As a client that falls behind sends: what was not taken first, and then what is new by then."""
    given = read = rest = b""
    for number in range(60):
        data = rest + b"%06d" % number * (1 + number % 7 * 900)
        try:
            sent = pair.ours.send(data)
        except BlockingIOError:
            sent = 0
        given += data[:sent]
        # Of what was begun, one byte at least comes again; all the rest may be newer.
        rest = data[sent : sent + 1] if sent else rest
        read += pair.read(bite)
    for _ in range(1000):
        read += pair.read()
        if rest:
            with suppress(BlockingIOError):
                given += rest[: pair.ours.send(rest)]
                rest = b""
    assert read == given


def test_a_full_socket_takes_a_part_and_then_nothing(pair: Pair) -> None:
    data = bytes(40 * RECORD_BYTES)
    sent = pair.ours.send(data)
    assert 0 < sent < len(data)
    with pytest.raises(BlockingIOError):
        pair.ours.send(data[sent:])


def test_a_piece_that_ends_with_the_room_may_be_followed_by_something_newer(pair: Pair) -> None:
    pieces = [b"a" * (RECORD_BYTES - 1), b"b" * 2 * RECORD_BYTES]
    delivery = Delivery(pieces, [1, 2])
    sent = pair.ours.send(delivery.data)
    assert 0 < sent < len(delivery.data)
    rest, version = delivery.remainder(sent, 0)
    read, rest = b"", rest + b"newer"
    for _ in range(1000):
        read += pair.read()
        if rest:
            with suppress(BlockingIOError):
                rest = rest[pair.ours.send(rest) :]
    assert read == b"".join(pieces[:version]) + b"newer"


def test_a_single_byte_arrives_also_where_there_is_no_room(pair: Pair) -> None:
    rest = bytes(RECORD_BYTES) + b"x"
    read = b""
    for _ in range(1000):
        if rest:
            with suppress(BlockingIOError):
                rest = rest[pair.ours.send(rest) :]
        else:
            break
        read += pair.read(100)
    for _ in range(1000):
        read += pair.read()
    assert read == bytes(RECORD_BYTES) + b"x"


def test_a_peer_whose_tls_talks_and_says_nothing_is_cut(certificate: Certificate) -> None:
    """Here by a greeting that is long; new keys, which cost more, are counted alike."""
    theirs, ours = socket.socketpair()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate.certificate, certificate.key)
    greeting = b"\x01\x01\xff\x00" + b"\x03\x03" + bytes(32) + b"\x00\xff\xfe" + bytes(130_000)
    parts = (greeting[start : start + 1000] for start in range(0, len(greeting), 1000))
    said = 0

    def talk() -> None:
        nonlocal said
        for part in parts:
            theirs.sendall(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part)
            said += len(part)
            talked_to.shake_hands()

    with closing(theirs), closing(TlsSocket(ours.family, ours.type, 0, ours.detach())) as talked_to:
        talked_to.setblocking(False)
        talked_to.begin(server)
        with pytest.raises(ConnectionAbortedError):
            talk()
    assert said < 2 * MAX_UNSAID


@pytest.mark.parametrize("size", [1, 100, RECORD_BYTES])
def test_much_is_said_in_records_of_any_size(pair: Pair, size: int) -> None:
    said = b"x" * size
    read = b""
    for _ in range(200):
        for encrypted in pair.encrypt(said):
            pair.send(encrypted)
            with suppress(BlockingIOError):
                while part := pair.ours.recv(4096):
                    read += part
    assert len(read) == 200 * size


def test_what_is_said_is_read_and_an_end_is_an_end(pair: Pair) -> None:
    with pytest.raises(BlockingIOError):
        pair.ours.recv(100)
    pair.say(b"hello")
    assert pair.ours.recv(2) == b"he"
    assert pair.ours.recv(100) == b"llo"
    with pytest.raises(ssl.SSLWantReadError):
        pair.tls.unwrap()
    pair.say_end()
    assert pair.ours.recv(100) == b""


def test_a_wrong_certificate_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("no certificate")
    with pytest.raises(AssertionError, match="certfile or keyfile is wrong"):
        Gunicorn(options=("--certfile", str(tmp_path / "wrong.pem")))
