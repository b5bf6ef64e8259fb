"""Failure: what Redis said, or did not say, in the words of the contract."""

from redis.exceptions import ResponseError

from relay.store.connect import MISREAD
from relay.store.contract import StoreRefuses, StoreUnavailable


def unavailable(error: Exception) -> StoreUnavailable:
    """An answer, even if it is a refusal, tells that nothing was written."""
    if isinstance(error, MISREAD):
        return StoreUnavailable(f"Redis answers oddly: {type(error).__name__}: {error}"[:200])
    refused = isinstance(error, ResponseError)
    # After that comes which script it was, and where in it: clients are told what this says.
    reason = str(error).partition(" script:")[0]
    return (StoreRefuses if refused else StoreUnavailable)(reason)


def text(holder: object) -> str:
    """A holder's token, which may be anything that somebody wrote there."""
    return holder.decode(errors="replace")[:100] if isinstance(holder, bytes) else repr(holder)
