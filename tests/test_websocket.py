import gc
import os
import socket
import threading
import tracemalloc
import zlib

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from relay.server.allowance import MAX_EMPTY_SECONDS, Allowance
from relay.server.websocket import (
    BINARY,
    FRAGMENTS_A_UNIT,
    READS_A_UNIT,
    TEXT,
    Closed,
    WebSocket,
    close_frame,
    frame,
    text_frames,
)

CONTINUATION, CLOSE, PING, PONG = 0, 8, 9, 10
KEY = b"\x37\xfa\x21\x3d"
LIMIT = 4096


def client_frame(opcode, payload=b"", *, fin=True, rsv=0, key=KEY, claim=None):
    """A frame as a client sends it; `claim` lies about the payload's size."""
    size = len(payload) if claim is None else claim
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def deflate(payload):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Connection:
    """The client's socket, and the relay's end of it as its outbox would see it."""

    def __init__(self, **options):
        self.client, self.server = socket.socketpair()
        self.client.settimeout(10)
        self.server.settimeout(10)
        self.written = []
        self.websocket = WebSocket({}, None, None)
        options = {"max_message": LIMIT, **options}
        self.websocket.attach(self.server.recv, self.written.append, **options)

    def receive(self, *frames):
        self.client.sendall(b"".join(frames))
        return self.websocket.receive()

    def refusal(self, *frames):
        """Send what the relay must refuse; returns the close code, which the client is told too."""
        self.client.sendall(b"".join(frames))
        with pytest.raises(Closed) as closed:
            list(iter(self.websocket.receive, None))
        code, reason = closed.value.code, closed.value.reason
        assert self.written[-1] == close_frame(code, reason)
        return code


@pytest.fixture
def connect():
    connections = []

    def connect(**options):
        connections.append(Connection(**options))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.client.close()
        connection.server.close()


@pytest.fixture
def connection(connect):
    return connect()


def frames_in(data, extensions=()):
    """Read the relay's frames with the parser of `websockets`."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    found = []
    while not result(reader.at_eof()):
        found.append(result(Frame.parse(reader.read_exact, mask=False, extensions=extensions)))
    return found


def result(generator):
    with pytest.raises(StopIteration) as stop:
        next(generator)
    return stop.value.value


# Frames to send


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_frame_is_understood_at_every_header_size(size):
    payload = os.urandom(size)
    (found,) = frames_in(frame(BINARY, payload))
    assert (found.opcode, found.data, found.fin, found.rsv1) == (
        Opcode.BINARY,
        payload,
        True,
        False,
    )


def test_deflated_frame_is_marked_for_inflating():
    payload = b"price " * 100
    data = frame(TEXT, deflate(payload), rsv1=True)
    (found,) = frames_in(data, [PerMessageDeflate(False, False, 15, 15)])
    assert found.data == payload


@pytest.mark.parametrize("sizes", [[], [0], range(300), [50, 1023, 1024], [70000, 3]])
def test_text_frames_are_one_text_message_each(sizes):
    payloads = [bytes([65 + size % 26]) * size for size in sizes]
    found = frames_in(text_frames(iter(payloads)))
    assert [f.data for f in found] == payloads
    assert all(f.opcode is Opcode.TEXT and f.fin for f in found)


def test_close_reason_is_cut_between_characters():
    (found,) = frames_in(close_frame(1012, "x" + "é" * 100))
    assert found.data == b"\x03\xf4x" + "é".encode() * 61


def test_close_frame_without_a_code_is_empty():
    assert close_frame(1005) == b"\x88\x00"


# Messages


def test_text_and_binary_messages_keep_their_type(connection):
    assert connection.receive(client_frame(TEXT, "币安人生USDT".encode())) == "币安人生USDT"
    assert connection.receive(client_frame(BINARY, b"\xff\x00")) == b"\xff\x00"
    assert connection.receive(client_frame(TEXT)) == ""


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 125, 126, 4095, 4096, 65535, 65536, 200_003])
def test_message_of_any_size_arrives_unchanged(connect, size):
    connection = connect(max_message=200_003)
    payload = os.urandom(size)
    data = Frame(Opcode.BINARY, payload).serialize(mask=True)
    sender = threading.Thread(target=connection.client.sendall, args=(data,))
    sender.start()
    assert connection.websocket.receive() == payload
    sender.join()


def test_pipelined_messages_arrive_one_by_one(connection):
    texts = [f"message {number}" for number in range(500)]
    connection.client.sendall(b"".join(client_frame(TEXT, text.encode()) for text in texts))
    assert [connection.websocket.receive() for _ in texts] == texts


def test_bytes_left_over_by_the_handshake_come_first(connect):
    first = client_frame(TEXT, b"first")
    second = client_frame(TEXT, b"second")
    connection = connect(leftover=first + second[:3])
    assert connection.websocket.receive() == "first"
    assert connection.receive(second[3:]) == "second"


@pytest.mark.parametrize("deflated", [False, True])
def test_message_delivered_byte_by_byte_is_whole(connect, deflated):
    connection = connect(deflate=deflated)
    text = "price of 币安人生 " * 20
    payload = deflate(text.encode()) if deflated else text.encode()
    data = client_frame(TEXT, payload[:70], fin=False, rsv=4 * deflated)
    data += client_frame(PING, b"now?")
    data += client_frame(CONTINUATION, payload[70:])
    source = iter(data)
    connection.websocket._recv = lambda _: bytes([next(source)])
    assert connection.websocket.receive() == text
    assert connection.written == [frame(PONG, b"now?")]


def test_fragments_are_joined_and_a_ping_between_them_is_answered(connection):
    assert (
        connection.receive(
            client_frame(TEXT, b"\xe2\x82", fin=False),
            client_frame(PING, b"are you there?"),
            client_frame(CONTINUATION, b"", fin=False),
            client_frame(PONG, b"unasked"),
            client_frame(CONTINUATION, b"\xac"),
        )
        == "€"
    )
    assert connection.written == [frame(PONG, b"are you there?")]


def test_time_out_inside_a_frame_loses_nothing(connection):
    data = client_frame(TEXT, b"half and half")
    connection.server.settimeout(0.01)
    for part in (data[:1], data[1:9], data[9:12]):
        connection.client.sendall(part)
        with pytest.raises(TimeoutError):
            connection.websocket.receive()
    assert connection.receive(data[12:]) == "half and half"


# Limits


def test_message_at_the_limit_is_accepted_and_one_byte_more_is_not(connection):
    assert connection.receive(client_frame(BINARY, bytes(LIMIT))) == bytes(LIMIT)
    assert connection.refusal(client_frame(BINARY, bytes(LIMIT + 1))) == 1009


def test_tebibyte_is_refused_by_its_header(connection):
    assert connection.refusal(client_frame(BINARY, claim=1 << 40)) == 1009


def test_fragments_count_together(connection):
    assert (
        connection.refusal(
            client_frame(BINARY, bytes(3000), fin=False),
            client_frame(CONTINUATION, claim=3000),
        )
        == 1009
    )


@pytest.mark.parametrize("size", [LIMIT + 1, 30_000_000])
def test_message_that_inflates_past_the_limit_is_refused(connect, size):
    connection = connect(deflate=True, max_message=30_000 if size > 1_000_000 else LIMIT)
    assert connection.refusal(client_frame(BINARY, deflate(bytes(size)), rsv=4)) == 1009


def test_fragments_of_a_message_are_bounded(connect):
    connection = connect(max_fragments=3)
    start, more, end = (
        client_frame(TEXT, b"a", fin=False),
        client_frame(CONTINUATION, fin=False),
        client_frame(CONTINUATION, b"b"),
    )
    assert connection.receive(start, more, end) == "ab"
    assert connection.refusal(start, more, more, end) == 1008


class Time:
    """A clock that only waiting moves."""

    def __init__(self):
        self.now = 1000.0
        self.waited = 0.0

    def pause(self, seconds):
        self.now += seconds
        self.waited += seconds

    def allow(self, rate):
        return Allowance(rate, pause=self.pause, clock=lambda: self.now)


@pytest.mark.parametrize("opcode", [TEXT, PING, PONG])
def test_peer_that_sends_too_fast_waits(connect, opcode):
    time = Time()
    connection = connect(allowance=time.allow(10))
    for seconds in (0, 1, 2):
        connection.client.sendall(client_frame(opcode, b"!") * 9 + client_frame(TEXT, b"last"))
        while connection.websocket.receive() != "last":
            pass
        assert time.waited == pytest.approx(seconds, abs=0.11)


@pytest.mark.parametrize("opcode", [TEXT, PING, PONG])
def test_peer_that_sends_too_fast_for_long_is_refused(connect, opcode):
    time = Time()
    connection = connect(allowance=time.allow(10))
    assert connection.refusal(client_frame(opcode, b"!") * 1000) == 1008
    assert time.waited == pytest.approx(MAX_EMPTY_SECONDS, abs=0.2)


def test_peer_that_keeps_the_rate_is_not_punished_for_a_pause_of_its_reader(connect):
    """What came in three seconds is read at once, and the peer goes on."""
    time = Time()
    connection = connect(allowance=time.allow(20))
    behind = 3 * 15
    connection.client.sendall(client_frame(TEXT, b"!") * behind)
    sent = 1000.0
    for number in range(1000):
        connection.websocket.receive()
        if number >= behind - 1:
            # The next one comes a fifteenth of a second after the one before, not sooner.
            sent += 1 / 15
            time.now = max(time.now, sent)
            connection.client.sendall(client_frame(TEXT, b"!"))
    assert not connection.websocket.closed


@pytest.mark.parametrize("deflated", [False, True])
def test_large_message_costs_as_many_units_as_it_begins_kibibytes(connect, deflated):
    time = Time()
    connection = connect(allowance=time.allow(10), deflate=True, max_message=30 << 10)
    text = b"x" * (30 << 10)
    payload = deflate(text) if deflated else text
    large = client_frame(TEXT, payload, rsv=4 * deflated)
    connection.receive(large)
    assert time.waited == 0
    connection.receive(large)
    assert time.waited == pytest.approx(2)


def test_fragments_cost_units_however_small(connect):
    time = Time()
    connection = connect(allowance=time.allow(10))
    fragments = client_frame(CONTINUATION, b"", fin=False) * (12 * FRAGMENTS_A_UNIT - 1)
    message = client_frame(TEXT, b"x", fin=False) + fragments + client_frame(CONTINUATION)
    connection.receive(message)
    connection.receive(message)
    assert time.waited == pytest.approx(1.6, abs=0.2)


def test_a_message_that_comes_in_crumbs_costs_units(connect):
    time = Time()
    connection = connect(allowance=time.allow(10))
    data = iter(client_frame(TEXT, b"x" * (20 * READS_A_UNIT)))
    connection.websocket.attach(
        lambda _: bytes([next(data)]),
        connection.written.append,
        max_message=LIMIT,
        allowance=time.allow(10),
    )
    connection.websocket.receive()
    assert time.waited == pytest.approx(1.1, abs=0.2)


def test_close_is_heard_however_much_was_said_before(connect):
    time = Time()
    connection = connect(allowance=time.allow(1))
    connection.receive(client_frame(TEXT, b"!" * 4000))
    assert connection.refusal(client_frame(CLOSE, b"\x03\xe8")) == 1000
    assert time.waited == 0


def test_rate_below_one_a_second_lets_the_first_message_in(connect):
    connection = connect(allowance=Time().allow(0.5))
    assert connection.receive(client_frame(TEXT, b"hello")) == "hello"


# Violations


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"not masked"),
        frame(CLOSE, b""),
        client_frame(TEXT, rsv=4),
        client_frame(TEXT, rsv=2),
        client_frame(TEXT, rsv=1),
        client_frame(3),
        client_frame(7, fin=False),
        client_frame(11),
        client_frame(15),
        client_frame(PING, bytes(126)),
        client_frame(PING, b"a", fin=False),
        client_frame(CONTINUATION, b"of nothing"),
        client_frame(TEXT, b"a", fin=False) + client_frame(TEXT, b"b"),
    ],
)
def test_violation_of_the_framing_closes_with_1002(connection, data):
    assert connection.refusal(data) == 1002


def test_reserved_bit_is_only_for_the_first_frame_of_a_deflated_message(connect):
    for data in (
        client_frame(PING, rsv=4),
        client_frame(TEXT, b"a", fin=False) + client_frame(CONTINUATION, b"b", rsv=4),
        client_frame(TEXT, rsv=6),
    ):
        assert connect(deflate=True).refusal(data) == 1002


def test_first_bad_byte_of_text_is_refused_before_the_rest_arrives(connection):
    start = client_frame(TEXT, b"\xce\xba\xf4\x90", claim=4000)  # beyond U+10FFFF
    assert connection.refusal(start) == 1007


@pytest.mark.parametrize(
    "frames",
    [
        [client_frame(TEXT, b"\xff")],
        [client_frame(TEXT, b"\xf4\x90\x80\x80")],
        [client_frame(TEXT, b"\xe2\x82")],
        [client_frame(TEXT, b"\xe2", fin=False), client_frame(CONTINUATION, b"\x82")],
    ],
)
def test_text_that_is_not_utf8_is_refused(connection, frames):
    assert connection.refusal(*frames) == 1007


# Compression: the examples of RFC 7692, 7.2.3


@pytest.mark.parametrize(
    "payload",
    [
        "f248cdc9c90700",
        "f2480500 0000ffff cac9c90700",
        "000500faff48656c6c6f00",
        "f348cdc9c9070000",
    ],
)
def test_deflated_message_is_inflated(connect, payload):
    data = bytes.fromhex(payload)
    connection = connect(deflate=True)
    assert connection.receive(client_frame(TEXT, data, rsv=4)) == "Hello"
    halves = (
        client_frame(TEXT, data[:3], rsv=4, fin=False),
        client_frame(CONTINUATION, data[3:]),
    )
    assert connection.receive(*halves) == "Hello"
    assert connection.receive(client_frame(TEXT, b"plain")) == "plain"


def test_message_that_does_not_inflate_is_refused(connect):
    assert connect(deflate=True).refusal(client_frame(TEXT, b"\xff\xff\xff", rsv=4)) == 1007


# The end


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1012, 1014, 3000, 4999])
def test_close_is_echoed_with_its_code(connection, code):
    payload = code.to_bytes(2, "big") + b"bye"
    assert connection.refusal(client_frame(CLOSE, payload)) == code


def test_empty_close_is_echoed_empty(connection):
    assert connection.refusal(client_frame(CLOSE)) == 1005
    assert connection.written == [b"\x88\x00"]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_close_code_that_no_peer_may_send_is_a_violation(connection, code):
    assert connection.refusal(client_frame(CLOSE, code.to_bytes(2, "big"))) == 1002


def test_half_a_close_code_is_a_violation(connection):
    assert connection.refusal(client_frame(CLOSE, b"\x03")) == 1002


def test_close_reason_must_be_utf8(connection):
    assert connection.refusal(client_frame(CLOSE, b"\x03\xe8\xff")) == 1007


def test_close_during_a_fragmented_message_ends_it(connection):
    assert connection.refusal(client_frame(TEXT, fin=False), client_frame(CLOSE)) == 1005


def test_end_of_stream_is_1006_and_nothing_is_written(connection):
    connection.client.close()
    with pytest.raises(Closed) as closed:
        connection.websocket.receive()
    assert closed.value.code == 1006
    assert connection.written == []


def test_reset_connection_is_1006(connection):
    def reset(_):
        raise ConnectionResetError(104, "Connection reset by peer")

    connection.websocket._recv = reset
    with pytest.raises(Closed) as closed:
        connection.websocket.receive()
    assert closed.value.code == 1006


def test_own_close_is_sent_once_and_nothing_after_it(connection):
    connection.websocket.close(1012, "service restart")
    connection.websocket.close(1000)
    assert connection.receive(client_frame(PING), client_frame(TEXT, b"crossed")) == "crossed"
    with pytest.raises(Closed) as closed:
        connection.receive(client_frame(CLOSE, b"\x03\xf4"))
    assert closed.value.code == 1012
    assert connection.written == [close_frame(1012, "service restart")]


def test_closed_connection_stays_closed(connection):
    connection.refusal(frame(TEXT, b"not masked"), client_frame(TEXT, b"too late"))
    with pytest.raises(Closed):
        connection.websocket.receive()
    with pytest.raises(Closed):
        connection.websocket.send("too late")
    assert len(connection.written) == 1


def test_inherited_send_goes_through_the_outbox(connection):
    connection.websocket.send("text")
    connection.websocket.send(b"binary")
    assert connection.written == [frame(TEXT, b"text"), frame(BINARY, b"binary")]


def test_close_before_attach_writes_nothing():
    websocket = WebSocket({}, None, None)
    websocket.close()
    assert websocket.closed


# Memory


def test_collected_websocket_writes_nothing(connection):
    connection.websocket = None
    gc.collect()
    assert connection.written == []


def test_idle_websocket_is_small_and_lets_go_of_the_request():
    def recv(_):
        return client_frame(TEXT, b"subscribe")

    environ = {"request": bytearray(10_000)}
    count = 1000
    tracemalloc.start()
    try:
        idle = []
        for _ in range(count):
            websocket = WebSocket(dict(environ), None, None)
            websocket.attach(
                recv, idle.append, max_message=LIMIT, allowance=Allowance(50), deflate=True
            )
            assert websocket.receive() == "subscribe"
            idle.append(websocket)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / count < 400
    assert not any(isinstance(part, dict) for part in gc.get_referents(idle[0]))
