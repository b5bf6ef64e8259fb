"""TLS: a socket that encrypts, for whoever takes a bare one.

It keeps a bare socket's manners: it never waits, takes a part where there is no room for all, and raises
BlockingIOError where there is none. OpenSSL encrypts into memory, and what the kernel does not take of
that is kept here: at most one record.
"""

import _socket
import ssl
from contextlib import suppress

#: Bytes of one record (RFC 8446, 5.1).
RECORD_BYTES = 16 << 10
#: Encrypted bytes that may wait beside a record: answers to what the peer's TLS asks. Above that it is cut.
MAX_WAITING = 64 << 10
#: Bytes that are taken in at a time, and at most before they say something: what a peer's TLS says for itself
#: costs much, a new key 19 µs for 27 bytes.
TAKEN_BYTES, MAX_UNSAID = 4 << 10, 32 << 10
#: So many bytes of a record may be TLS's own.
OVERHEAD_BYTES = 256


class TlsSocket(_socket.socket):
    """The server's end of a connection that speaks TLS."""

    __slots__ = ("_begun", "_incoming", "_outgoing", "_repeated", "_tls", "_unsaid", "_waiting")

    _tls: ssl.SSLObject
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO

    def __init__(self, family: int, kind: int, proto: int, fileno: int) -> None:
        super().__init__(family, kind, proto, fileno)
        self._begun = False

    def begin(self, context: ssl.SSLContext) -> None:
        """Call it once, before anything but `close`."""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._begun = True
        # Encrypted, and not taken by the kernel yet.
        self._waiting = b""
        # Bytes among those that the sender was not told of, and so will bring again: one, or none.
        self._repeated = 0
        # Bytes that came, less those that they said.
        self._unsaid = 0

    def shake_hands(self) -> bool:
        """A step of the handshake: whether it is over. If not, call it again once there is something to
        read. Raises BlockingIOError where there is nothing yet, another OSError where it fails."""
        self._take_in()
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError:
            # Its alert says why.
            with suppress(OSError):
                self._flush()
            raise
        self._flush()
        return True

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]  # noqa: ARG002
        """How many bytes were taken. Where the kernel took a part of the last record it says one byte less,
        so that who sends comes back: what then begins with that byte. In the middle it says the truth: who
        sends comes back anyhow, perhaps with something newer."""
        if not self._flush():
            raise BlockingIOError
        taken, self._repeated = self._repeated, 0
        view = memoryview(data)
        while taken < len(view):
            part = view[taken : taken + RECORD_BYTES]
            self._tls.write(part)
            taken += len(part)
            if not self._flush():
                self._repeated = 1 if taken == len(view) else 0
                return taken - self._repeated
        return taken

    def recv(self, size: int, flags: int = 0) -> bytes:  # noqa: ARG002
        """Bytes from the peer, none at the end. Raises BlockingIOError where nothing has come, another
        OSError where its TLS talks and says nothing."""
        try:
            return self._read(size)
        except ssl.SSLWantReadError:
            self._take_in()
        try:
            return self._read(size)
        except ssl.SSLWantReadError:
            # What the peer's TLS asks is answered.
            self._flush()
            raise BlockingIOError from None

    def shutdown(self, how: int) -> None:
        """As a bare socket's; the end of what we say is announced."""
        if how == _socket.SHUT_WR:
            self._say_end()
        super().shutdown(how)

    def close(self) -> None:
        """As a bare socket's; the end is announced."""
        self._say_end()
        super().close()

    def _read(self, size: int) -> bytes:
        try:
            data = self._tls.read(size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        self._unsaid = max(self._unsaid - len(data) - OVERHEAD_BYTES, 0)
        return data

    def _take_in(self) -> None:
        if self._unsaid > MAX_UNSAID:
            raise ConnectionAbortedError("the peer's TLS talks, and says nothing")
        data = super().recv(TAKEN_BYTES)
        if data:
            self._unsaid += len(data)
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> bool:
        """Whether the kernel has all that is encrypted."""
        if self._outgoing.pending:
            self._waiting += self._outgoing.read()
        if not self._waiting:
            return True
        try:
            sent = super().send(self._waiting)
        except BlockingIOError:
            sent = 0
        self._waiting = self._waiting[sent:]
        if len(self._waiting) > MAX_WAITING:
            raise ConnectionAbortedError("the peer asks, and does not read")
        return not self._waiting

    def _say_end(self) -> None:
        if not self._begun:
            return
        with suppress(OSError, ValueError):
            self._tls.unwrap()
        with suppress(OSError):
            self._flush()
