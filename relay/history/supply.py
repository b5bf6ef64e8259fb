"""Supply: how an answer gets what a worker lacks, or the reason why it does not."""

from collections.abc import Sequence

from relay.store.contract import Demands, Refused, StoreUnavailable, Unanswered

#: Answers of one worker that wait at a time; the others go without what they lack.
MAX_WAITING = 512


class Supply:
    """Demands what is lacking, for so many answers at a time."""

    def __init__(self, demands: Demands) -> None:
        self._demands = demands
        self._waiting = 0

    def ask(self, names: Sequence[str], seconds: float, *, urgent: bool = True) -> str:
        """Waits for these, up to so many seconds; why they are missing, or nothing."""
        if self._waiting >= MAX_WAITING:
            self._demands.post(names, urgent=urgent)
            return "the exchange's candles are demanded; as many answers wait for such as may"
        self._waiting += 1
        try:
            self._demands.ask(names, max(seconds, 0.0), urgent=urgent)
        except Refused as error:
            return f"the exchange's candles cannot be had: {error}"
        except Unanswered as error:
            return f"the exchange's candles are not here yet: {error}"
        except StoreUnavailable as error:
            return f"the exchange's candles cannot be demanded: {error}"
        finally:
            self._waiting -= 1
        return ""

    def post(self, names: Sequence[str]) -> None:
        """Demands these and does not wait; they are not urgent."""
        self._demands.post(names, urgent=False)
