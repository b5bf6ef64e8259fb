"""Recent: what was made last for clients that catch up, since many who come back stand alike."""

from collections.abc import Callable, Hashable

from relay.fanout.delivery import Delivery
from relay.fanout.flow import Flow

#: Deliveries kept. Each is at most a snapshot; all are dropped when the flow moves on.
MAX_DELIVERIES = 16


class Recent:
    """The newest deliveries of one flow, as long as nothing newer has come."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._as_of = (flow.epoch, flow.version)
        self._deliveries: dict[Hashable, Delivery | None] = {}

    def get(self, key: Hashable, make: Callable[[], Delivery | None]) -> Delivery | None:
        """The delivery for this key, made by `make` unless it is still there."""
        as_of = (self._flow.epoch, self._flow.version)
        if as_of != self._as_of:
            self._as_of = as_of
            self._deliveries.clear()
        if key not in self._deliveries:
            if len(self._deliveries) >= MAX_DELIVERIES:
                del self._deliveries[next(iter(self._deliveries))]
            self._deliveries[key] = make()
        return self._deliveries[key]
