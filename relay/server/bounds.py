"""Bounds: what one visitor may have of a worker, and which settings say so."""

from typing import Literal, NamedTuple


class Bounds(NamedTuple):
    """0 is no limit."""

    #: Streams at a time.
    streams: int = 0
    #: Streams opened a second.
    opens: float = 0.0
    #: Units of pages and answers a second: see Ration.
    requests: float = 0.0
    #: Symbols in the lists that it alone has named: see Registry.
    symbols: int = 0
    #: Units of commands a second, over all its WebSockets: see Allowance.
    commands: float = 0.0
    #: Wrong tokens and tickets a second: see Access.
    guesses: float = 0.0
    #: What is counted as one visitor.
    whose: Literal["address", "token"] = "address"

    def setting(self, what: str) -> str:
        """The setting of one of these: `STREAMS` is ADDRESS_STREAMS or TOKEN_STREAMS."""
        return f"{self.whose.upper()}_{what}"

    @property
    def advice(self) -> str:
        """What may be wrong where many share the bound unknowingly; nothing where nobody can."""
        return "behind a proxy set FORWARDED_ALLOW_IPS" if self.whose == "address" else ""

    def reason(self, deed: str, what: str) -> str:
        """A sentence for whoever reached it: `deed` is what "your address" does."""
        advice = f"; {self.advice}" if self.advice else ""
        return f"your {self.whose} {deed} ({self.setting(what)}{advice})"


_NUMBERS = ("streams", "opens", "requests", "symbols", "commands", "guesses")


def bounds_of(settings: object, whose: Literal["address", "token"]) -> Bounds:
    """What the settings give each address, or the holders of each token together: see Bounds.setting.

    Where there is no such setting, there is no limit.
    """
    numbers = {name: getattr(settings, f"{whose}_{name}", 0) for name in _NUMBERS}
    return Bounds(**numbers, whose=whose)


#: Of a proxy that speaks for itself: what is behind it cannot be told apart.
UNBOUNDED = Bounds()
