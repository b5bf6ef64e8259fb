"""Line: what the intake knows of one symbol."""

from relay import pace
from relay.ticker import Ticker


class Line:
    """Its newest ticker, and how often one comes."""

    __slots__ = ("confirmed", "due", "guessed", "heard", "pace", "quote", "shown", "ticker")

    def __init__(self, ticker: Ticker, now: float, usual: float | None) -> None:
        """`usual`: its pace in seconds, where anything is known of it."""
        self.ticker = ticker
        #: What the ticker says of it, at hand for the next one.
        self.quote = ticker.quote
        #: When something was heard of it last, by the monotonic clock.
        self.heard = now
        #: Whether the present connection has sent it: else what REST says may be newer.
        self.confirmed = True
        self.guessed = usual is None
        self.pace = pace.UNKNOWN_SECONDS if usual is None else usual
        self.adapt(0.0, now)

    def adapt(self, gap: float, now: float) -> None:
        """Brings the pace up to date; its decay is slow enough for that to be done now and then."""
        if gap > self.pace:
            self.guessed = False
        self.pace = pace.after(gap, self.pace)
        self.due = now + pace.ADAPT_SECONDS
        self.shown = int(self.pace) + 1

    def learn(self, usual: float, now: float) -> None:
        """The pace in seconds, as far as REST knows it: in place of a guess."""
        self.guessed = False
        self.pace = min(self.pace, usual)
        self.adapt(0.0, now)
