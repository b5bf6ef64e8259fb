"""Address: whether a server may listen on one."""

import errno
import socket
import time

#: Seconds that whoever was there before has to leave.
LEAVE_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_TAKEN = errno.EADDRINUSE
_REASONS = {
    _TAKEN: "another program listens there",
    errno.EACCES: "this user may not listen there",
}


def host_is_wrong(host: str) -> bool:
    """Whether this machine has no such address."""
    try:
        _try(host, 0)
    except OSError:
        return True
    return False


def why_not(host: str, port: int) -> str:
    """Nothing where a server may listen there, else why not. Waits for a while for another one to leave."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            _try(host, port)
        except OSError as error:
            if error.errno == _TAKEN and time.monotonic() < deadline:
                time.sleep(_LOOK_SECONDS)
                continue
            return _REASONS.get(error.errno or 0) or error.strerror or str(error)
        return ""


def _try(host: str, port: int) -> None:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
