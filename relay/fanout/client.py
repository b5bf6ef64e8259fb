"""Client: one connection, and what it has been given.

Its greenlet only reads: that is how a vanished client is noticed at once, also while nothing is
published. What is owed to it is written by its cohort without waiting. Only when the socket does not
take all of that does a second, short-lived greenlet finish the write, ask what has changed
meanwhile, and bring the client back to its cohort.
"""

import _socket
import logging
import math
import socket
from collections.abc import Sequence

import gevent

from relay.clock import SYSTEM, Clock
from relay.complaint import Complaint
from relay.fanout.checksum import NOTHING, Checksum, Summed, Tally, checksum_of
from relay.fanout.cohort import Cohort
from relay.fanout.connection import WRITE, Connection
from relay.fanout.cut import Cut
from relay.fanout.delivery import Delivery, deliver
from relay.fanout.guest import Guest
from relay.fanout.news import News

log = logging.getLogger(__name__)
_cuts = Complaint(log, level=logging.INFO)

#: Bytes of unfinished writes above which a client is cut: it asks (pings, commands) and does not read.
MAX_UNFINISHED = 64 << 10
#: Bytes that a client may say which has nothing to say.
MAX_SAID = 4096
#: Seconds until more of them are read.
SAID_SECONDS = 0.05
#: Seconds that a client which was told goodbye has to close its end.
LINGER_SECONDS = 2.0


class Client(Connection):
    """One that is owed prices. This one only listens; a subclass may also speak."""

    __slots__ = (
        "_flusher",
        "_given",
        "_is_behind",
        "_news",
        "_stall_seconds",
        "_told",
        "before",
        "began",
        "cohort",
        "ends_at",
        "guest",
        "joined",
        "lacking",
        "leaving",
        "request_id",
        "tally",
        "unfinished",
        "version",
    )

    cohort: Cohort
    #: Whose stream it is.
    guest: Guest

    def __init__(
        self,
        sock: _socket.socket,
        version: int,
        news: News,
        *,
        stall_seconds: float,
        clock: Clock = SYSTEM,
    ) -> None:
        """`sock` is non-blocking; `version` is where the client stands already, 0 for nowhere. The client
        is cut when its socket takes no byte for `stall_seconds`."""
        super().__init__(sock, clock)
        #: What the client has once `unfinished` is sent, while it does not keep up with its cohort.
        self.version = version
        #: Symbols that it asked for lately and of which it has nothing yet.
        self.lacking: Sequence[str] = ()
        # The newest version of which those symbols may have been given to it.
        self._given = 0
        self.unfinished = b""
        #: See Member.
        self.tally: Tally | None = None
        #: The cohort's number of passes when it joined.
        self.joined = 0
        #: Nothing but `unfinished` will be sent any more.
        self.leaving = False
        #: When it is to be sent away to come back elsewhere, by the clock.
        self.ends_at = math.inf
        #: What the request is called that it began with.
        self.request_id = ""
        #: When it entered, by the clock; and what its cohort had given by then, less what other cohorts gave
        #: it before.
        self.began = 0.0
        self.before = 0
        self._news = news
        self._stall_seconds = stall_seconds
        # The number of the news that it was told last; -1 where it must be told anew.
        self._told = -1
        self._flusher: gevent.Greenlet[[], None] | None = None
        # Whether it is counted among those behind.
        self._is_behind = False

    def begin(self, opening: bytes) -> None:
        """The first bytes that it is to get, before it enters."""
        self.unfinished = opening
        if isinstance(opening, Summed):
            self.tally = Tally(opening.checksum)

    def run(self) -> None:
        """The connection's life until its peer has gone. Needs a greenlet of its own, and then `close`."""
        if not self.catch_up():
            self._flush_later()
        self.read()

    def close(self) -> None:
        """Gives the socket back, whatever is unfinished."""
        if self._flusher is not None:
            self._flusher.kill()
            # One that never ran has not said so.
            self._flusher = None
        self._count_behind(False)
        self.sock.close()

    def informed(self) -> None:
        """See Member."""
        self._told = self._news.told

    def asked(self, since: float) -> None:
        """A heartbeat has gone out, not before `since`, that asks for an answer where the transport knows
        such a thing."""

    def look_at_way(self) -> None:
        """A look at how long what was sent takes to arrive, where the transport can tell."""

    def overdue(self, seconds: float) -> bytes:  # noqa: ARG002
        """What to end it with if it was asked and said nothing for `seconds` since; or nothing."""
        return b""

    def read(self) -> None:
        """Reads until the peer has gone, or has said too much: nothing that it says is of use here."""
        left = MAX_SAID
        while said := len(self.receive(MAX_SAID)):
            left -= said
            if left < 0:
                self.cut(Cut.TALK)
                return
            # However small the pieces, reading them costs little.
            gevent.sleep(SAID_SECONDS)

    def write(self, data: bytes) -> None:
        """Sends bytes of the client's own, after whatever is unfinished."""
        if self.leaving:
            return
        if self._flusher is not None:
            self._queue(data)
            return
        sent = self._send(data)
        if sent < len(data):
            self.fall_behind(data[sent:], self.cohort.stands_at(self, self.version))

    def fall_behind(self, unfinished: bytes, version: int) -> None:
        """See Member."""
        self.cohort.drop(self)
        self.unfinished = unfinished
        self.version = version
        if not version:
            # Nothing of what it holds counts, and it may not have been told so.
            self._told = -1
        self._flush_later()

    def resume(self, version: int) -> None:
        """See Member."""
        self.version = version
        if not self.catch_up():
            self._flush_later()

    def start_anew(self) -> None:
        """Whatever it holds is void, as after a new epoch, and it has to be told so."""
        self.version = self._given = 0
        self.lacking = ()
        self._told = -1

    def catch_up(self) -> bool:
        """Sends what can be sent without waiting; False while the socket takes no more.

        In this order: what is unfinished, how the feed is, symbols of which it has nothing, and what
        changed since `version`, until there is nothing that its cohort has and this client has not.
        """
        while True:
            if not self.cohort.remembers(self.version):
                self.start_anew()
            if self._told != self._news.told and not self.leaving:
                self._told = self._news.told
                status = self._news.status(
                    self.version, self.cohort.symbols, self.cohort.rate, self.stands_at
                )
                self._add(self.cohort.form.event("status", status))
            delivery = self._due()
            if not self._push(delivery):
                return False
            if self.leaving:
                self._shut(socket.SHUT_WR)
                return True
            if self.waits:
                return True
            if delivery is not None:
                continue
            if self.lacking:
                self.unfinished = self._next_of_lacking()
            elif self.version >= self._given and self.cohort.join(self, self.version):
                return True
            else:
                self.version = self.cohort.newest

    @property
    def waits(self) -> bool:
        """Whether what is under way has to arrive before anything more is sent."""
        return False

    @property
    def given(self) -> Checksum:
        """Of all that it was given to read, what is unfinished included; of nothing where nobody asks."""
        if self.tally is None:
            return NOTHING
        return self.tally.given(self.cohort.total_of(self))

    @property
    def stands_at(self) -> int:
        """A version from which the client may resume, once `unfinished` is sent; 0 where it lacks symbols."""
        if self.lacking:
            return 0
        return self.cohort.stands_at(self, self.version)

    def move(self, cohort: Cohort, version: int, lacking: Sequence[str], first: bytes) -> None:
        """Goes over to another cohort, standing at `version` but for `lacking`; `first` is sent first."""
        self.cohort.drop(self)
        self.before += cohort.given - self.cohort.given
        self.cohort = cohort
        self.version = version
        self.lacking = lacking
        self._told = self._news.told
        if self.unfinished:
            self._queue(first)
        else:
            self.unfinished = first
        if self._flusher is None and not self.catch_up():
            self._flush_later()

    def finish(self, last: bytes) -> None:
        """Sends `last` after what is unfinished, then ends the connection in good order."""
        if self.leaving:
            return
        self.cohort.drop(self)
        self.leaving = True
        self.unfinished += last
        if self._flusher is None:
            self.catch_up()
            self._flush_later()

    def cut(self, why: Cut) -> None:
        """Ends the connection at once; what the kernel still holds for it is thrown away."""
        self.note(why)
        self._throw_away()
        self.lost()

    def note(self, why: Cut) -> None:
        """Logs and counts why it is about to be ended; of several reasons, the first."""
        if not self.leaving:
            _cuts.make("cut a client: %s", why.value)
            self.cohort.counts.cuts[why.name.lower()] += 1

    def lost(self) -> None:
        """See Member. Its greenlet shall see the end of the connection."""
        self.cohort.drop(self)
        self.leaving = True
        self.unfinished = b""
        self._shut(socket.SHUT_RDWR)

    def _due(self) -> Delivery | None:
        """What changed since `version`, unless something else comes first or it may join its cohort."""
        if self.leaving or self.lacking:
            return None
        if self.version >= self._given and self.cohort.may_join(self.version):
            return None
        return self.cohort.missing(self.version)

    def _push(self, delivery: Delivery | None) -> bool:
        """Offers what is unfinished and a delivery in one send; False if the socket does not take it all."""
        first = self.unfinished
        data = first if delivery is None else first + delivery.data[: self._room_for(delivery)]
        sent = self._send(data) if data else 0
        if delivery is not None and sent >= len(first):
            begun = sent - len(first)
            self._count(delivery, begun)
            self.unfinished, self.version = delivery.remainder(begun, self.version)
            if self.tally is not None:
                self.tally.add(delivery.begun(begun))
        else:
            self.unfinished = first[sent:]
        return sent == len(data)

    def _room_for(self, delivery: Delivery) -> int:
        """Bytes of a delivery that may be sent now: whole pieces."""
        return len(delivery.data)

    def _count(self, delivery: Delivery, sent: int) -> None:
        """Counts a delivery of its own, of which the socket took so many bytes."""
        cohort = self.cohort
        if sent < len(delivery.data):
            cohort.counts.give(1, 0, sent, 0)
            return
        cohort.counts.give(1, delivery.updates, sent, delivery.saved)
        if self.version and cohort.symbols is None:
            passed = cohort.newest - self.version - delivery.updates
            cohort.counts.conflated += max(passed, 0)

    def _add(self, event: bytes) -> None:
        """An event of its own, which goes out after what is unfinished."""
        self.unfinished += event
        if self.tally is not None:
            self.tally.add(checksum_of(event))

    def _next_of_lacking(self) -> bytes:
        """A piece of the symbols of which the client has nothing yet, or nothing if none has a price."""
        cohort = self.cohort
        part = cohort.form.entries_per_piece
        some, self.lacking = self.lacking[:part], self.lacking[part:]
        self._given = cohort.newest
        entries = cohort.entries_of(some)
        if not entries:
            return b""
        # Before the last piece no id will do: a resumption by an older one would leave symbols out.
        return deliver(entries, self.stands_at, cohort.epoch, cohort.form.encode, part).data

    def _queue(self, data: bytes) -> None:
        self.unfinished += data
        if len(self.unfinished) > MAX_UNFINISHED:
            # It may have read since the socket was full.
            self._push(None)
        if len(self.unfinished) > MAX_UNFINISHED:
            self.cut(Cut.GREED)

    def _send(self, data: bytes) -> int:
        """How many bytes the socket took; all of them where the connection is gone."""
        sent = self._offer(data)
        if sent < 0:
            self.lost()
            return len(data)
        return sent

    def _flush_later(self) -> None:
        self._count_behind(True)
        self._flusher = gevent.spawn(self._flush)

    def _flush(self) -> None:
        in_order = False
        try:
            while not self.catch_up():
                if not self._wait(WRITE, self._stall_seconds):
                    self.cut(Cut.STALL)
                    return
            if self.leaving:
                gevent.sleep(LINGER_SECONDS)
                self.lost()
            in_order = True
        finally:
            self._flusher = None
            self._count_behind(self.waits and not self.leaving)
            if not in_order:
                self.lost()

    def _count_behind(self, is_behind: bool) -> None:
        if is_behind != self._is_behind:
            self._is_behind = is_behind
            self.cohort.counts.behind += 1 if is_behind else -1
