"""Frame: one payload of one stream, in every form a connection may have asked for."""

import re

#: A time field in milliseconds: 13 digits until the year 2286. Ids are shorter.
_MILLISECONDS = re.compile(rb'("[EOCTt]":\d{13})(?=[,}])')


class Frame:
    """What is sent: the payload bytes, wrapped for /stream, with longer times for MICROSECOND.

    Each form is made once, however many connections want it, and the payload's own bytes are
    never re-encoded (BINANCE docs, web-socket-streams: raw and combined streams, timeUnit).
    """

    __slots__ = ("_forms", "payload", "stream")

    def __init__(self, stream: str, payload: bytes) -> None:
        self.stream = stream
        self.payload = payload
        self._forms: dict[tuple[bool, bool], bytes] = {(False, False): payload}

    def form(self, combined: bool, microseconds: bool) -> bytes:
        """Return the message for a connection of this kind."""
        form = self._forms.get((combined, microseconds))
        if form is None:
            form = self.payload
            if microseconds:
                form = _MILLISECONDS.sub(rb"\g<1>000", form)
            if combined:
                form = b'{"stream":"%b","data":%b}' % (self.stream.encode(), form)
            self._forms[combined, microseconds] = form
        return form
