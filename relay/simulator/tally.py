"""Tally: what clients have asked of the exchange, so that their manners can be judged."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts since the start. An address is a client's IP address, without its port."""

    #: WebSocket handshakes begun, by address; refused ones too.
    attempts: Counter[str] = field(default_factory=Counter)
    #: SUBSCRIBE and the like, by address; neither pings nor pongs.
    control_messages: Counter[str] = field(default_factory=Counter)
    #: REST calls by path, without the query; refused ones too.
    rest_calls: Counter[str] = field(default_factory=Counter)
    #: What the calls that were answered weighed, by path.
    rest_weights: Counter[str] = field(default_factory=Counter)
    #: Connections ended or refused for too many messages a second, or too many streams.
    too_many: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the counts as /simulator/status shows them."""
        return {
            "attempts": dict(self.attempts),
            "control_messages": dict(self.control_messages),
            "rest_calls": dict(self.rest_calls),
            "rest_weights": dict(self.rest_weights),
            "rest_weight": self.rest_weights.total(),
            "too_many": self.too_many,
        }
