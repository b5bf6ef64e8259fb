"""Way: how long what is sent to a client takes to arrive, as its pongs say (RFC 6455, 5.5.2).

A proxy and the kernels take everything for a slow client, so that its socket never tells. A pong does: it
comes once all has been read that was sent before the ping.
"""

#: Seconds above which a way is long.
LONG_SECONDS = 2.0
#: Bytes that may be under way on a long way: at first and at least, and at most. More where pongs come soon.
LEAST_BYTES, MOST_BYTES = 32 << 10, 4 << 20
#: Pings by which a client is watched: one that has just come, and one whose way was long.
NEWCOMER, RETURNED = 1, 10
#: What a heartbeat's ping carries. It is one for all.
HEARTBEAT = b"heartbeat"


class Way:
    """One client's way, with one question at a time. Every time is in seconds, by the clock."""

    __slots__ = ("_answers", "_asked", "_heard", "_question", "given", "is_long", "room", "watched")

    def __init__(self) -> None:
        self._question = b""
        self._asked = 0.0
        # When a heartbeat was answered of which it was not noted yet that it asks.
        self._heard = -1.0
        # Whether a ping was ever answered: nobody is judged who never does.
        self._answers = False
        #: So much has to arrive before more is sent, and no more than `room` bytes at a time.
        self.is_long = False
        self.room = LEAST_BYTES
        #: Whether anything was sent since the last answer; only counted while it is long.
        self.given = False
        #: Pings of its own that it is still to get.
        self.watched = 0

    @property
    def is_asked(self) -> bool:
        """Whether an answer is due."""
        return bool(self._question)

    def ask(self, now: float) -> bytes:
        """What a ping of its own is to carry that is sent now: the time, in milliseconds."""
        self._question, self._asked = b"%d" % (now * 1000), now
        return self._question

    def note_heartbeat(self, since: float) -> None:
        """A heartbeat's ping was sent, not before `since`. It counts where no answer is due, and none has
        come while others were sent theirs."""
        if not self._question and self._heard < since:
            self._question, self._asked = HEARTBEAT, since

    def ask_anew(self, now: float) -> None:
        """The question that is open counts from now: nobody would have heard an answer before."""
        self._asked = now

    def excuse(self, seconds: float, now: float) -> None:
        """For so long, up to now, nobody would have heard an answer: that does not count."""
        self._asked = min(self._asked + seconds, now)

    def hear(self, answer: bytes, now: float) -> bool:
        """A pong has come with this; whether it is the answer that was due."""
        if not self._question or answer != self._question:
            if answer == HEARTBEAT:
                self._heard = now
            return False
        self._question = b""
        self._answers = True
        self.given = False
        if self.is_long:
            seconds = now - self._asked
            if seconds > LONG_SECONDS:
                self.room = max(self.room // 2, LEAST_BYTES)
            elif seconds <= LONG_SECONDS / 2:
                self.room = min(self.room * 2, MOST_BYTES)
        return True

    def has_grown_long(self, now: float) -> bool:
        """Whether the answer takes too long, of a client that does answer and was not known to be far."""
        return self._answers and not self.is_long and self.waits(LONG_SECONDS, now)

    def waits(self, seconds: float, now: float) -> bool:
        """Whether an answer has been due for so long."""
        return bool(self._question) and now - self._asked > seconds

    def lengthen(self) -> None:
        """It is long from here on."""
        self.is_long = self.given = True
        self.room = LEAST_BYTES

    def shorten(self) -> None:
        """All that is new has been sent: it is watched for a while."""
        self.is_long = self.given = False
        self.watched = RETURNED
