"""What an exchange may send at most, and that nothing else waits meanwhile."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import pytest

from relay.exchange import frame_limits

PING = b"\x89\x00"
EMPTY_FRAGMENT = b"\x00\x00"


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers one handshake as told."""

    def serve() -> None:
        with listening.accept()[0] as client:
            client.recv(65536)
            try:
                answer(client)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(20)


def endless_headers(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 101 Switching\r\n")
    while True:
        client.sendall(b"x: y\r\n" * 10_000)


def endless_line(client: socket.socket) -> None:
    while True:
        client.sendall(b"x" * 65536)


def endless_body(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 500 Oops\r\ncontent-length: 99999999999\r\n\r\n")
    while True:
        client.sendall(b"x" * 65536)


@pytest.mark.parametrize("answer", [endless_headers, endless_line, endless_body])
def test_a_handshake_without_end_is_given_up(answer: Callable[[socket.socket], None]) -> None:
    with server(answer) as url, pytest.raises(frame_limits.ERRORS, match="without end"):
        frame_limits.connect(url, 5)


def test_a_redirect_is_not_followed() -> None:
    def redirect(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 302 Found\r\nlocation: ws://127.0.0.1:9/\r\n\r\n")

    with server(redirect) as url, pytest.raises(frame_limits.ERRORS, match="Redirect"):
        frame_limits.connect(url, 5)


@pytest.mark.parametrize("frame", [PING, EMPTY_FRAGMENT])
def test_others_get_their_turn_while_frames_come_without_end(frame: bytes) -> None:
    frames = frame_limits._Frames(lambda size: frame * (size // len(frame)))

    def read() -> None:
        while True:
            frames.recv_frame()

    reader = gevent.spawn(read)
    for _ in range(3):
        gevent.sleep(0)
    assert not reader.dead
    reader.kill()


@pytest.mark.parametrize("size", [frame_limits.MAX_MESSAGE_BYTES + 1, 2**63 - 1, 2**64 - 1])
def test_a_frame_that_claims_too_much_is_refused(size: int) -> None:
    header = b"\x81\x7f" + struct.pack("!Q", size)
    frames = frame_limits._Frames(lambda _: header)
    with pytest.raises(frame_limits.ERRORS, match="a frame of"):
        frames.recv_frame()
