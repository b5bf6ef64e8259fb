"""Backstage: the calls that Binance does not have, `/simulator/...`, for tests to pull the strings.

GET /simulator/status                          who is connected, to what, and what clients have asked
GET /simulator/listing?halt=SYMBOL[&status=S]  halt it with HALT, BREAK (the default), CANCEL_ONLY
                                               or END_OF_DAY: no trades, frames or candles
GET /simulator/listing?pause=SYMBOL            nobody trades it, and its candles are flat (of the
                                               synthetic market; others do not notice)
GET /simulator/listing?mute=SYMBOL             no stream says anything of it, while it trades on
                                               and REST and candles know
GET /simulator/listing?resume=SYMBOL           end whichever of these it is
    with pause and mute: `*` is the whole market, and &seconds=N ends it by itself
GET /simulator/listing?delist=SYMBOL           take it out of REST and of every stream
GET /simulator/listing?list=SYMBOL             list what was delisted, and let it trade
GET /simulator/listing?new=SYMBOL[&life=N]     list one that never was, with no candles before now
                                               (synthetic market), and delist it N seconds later
GET /simulator/weight?limit=N[&used=N]         change how much REST weight a minute has, and what
                                               counts as used in this one; a ban is over
GET /simulator/fault?set=NAME[&set=NAME]       switch faults on, or let momentary ones happen
GET /simulator/fault?clear[=NAME]              switch all faults off, or one
GET /simulator/publish?stream=NAME&data=JSON   send a payload to whoever is subscribed
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from relay.simulator.answer import Answer
from relay.simulator.faults import TABLE
from relay.simulator.register import STATUSES, Register
from relay.simulator.rest import reply
from relay.simulator.weight import Weight


class Stage(Protocol):
    """What can be done to the exchange."""

    register: Register
    weight: Weight

    def status(self) -> dict[str, Any]:
        """Return what /simulator/status shows."""

    def set_fault(self, name: str) -> None:
        """Switch a fault on, or let it happen."""

    def clear_faults(self, names: Iterable[str]) -> None:
        """Switch faults off."""

    def play(self, stream: str, payload: bytes) -> None:
        """Publish a payload that is not the market's."""


def answer(path: str, exchange: Stage) -> Answer:
    """Return status, body and headers for the path and query of a GET."""
    url = urlsplit(path)
    query = parse_qs(url.query, keep_blank_values=True)
    match url.path:
        case "/simulator/status":
            pass
        case "/simulator/fault":
            names = [name for key in ("set", "clear") for name in query.get(key, []) if name]
            unknown = [name for name in names if name not in TABLE]
            if unknown:
                return reply({"unknown": unknown, "known": TABLE}, 400)
            if "clear" in query:
                exchange.clear_faults([name for name in query["clear"] if name] or TABLE)
            for name in query.get("set", []):
                exchange.set_fault(name)
        case "/simulator/listing":
            refused = _change(query, exchange.register)
            if refused is not None:
                return reply(refused, 400)
        case "/simulator/weight":
            numbers = {key: query[key][-1] for key in ("limit", "used") if key in query}
            if not numbers or not all(map(str.isdecimal, numbers.values())):
                return reply({"error": "limit and used are numbers"}, 400)
            exchange.weight.set(**{key: int(text) for key, text in numbers.items()})
        case "/simulator/publish" if "stream" in query and "data" in query:
            exchange.play(query["stream"][-1], query["data"][-1].encode())
        case _:
            return reply({"error": "see relay/simulator/backstage.py"}, 404)
    return reply(exchange.status())


def _change(query: dict[str, list[str]], register: Register) -> dict[str, Any] | None:
    """Change the register; return what was wrong, if anything. What was right is done."""
    status = query.get("status", ["BREAK"])[-1]
    if status not in STATUSES:
        return {"unknown": [status], "known": sorted(STATUSES)}
    try:
        seconds, life = _seconds(query, "seconds"), _seconds(query, "life")
    except ValueError as error:
        return {"unknown": [str(error)]}
    changes: dict[str, Callable[[str], bool]] = {
        "new": lambda symbol: register.found(symbol, life),
        "halt": lambda symbol: register.halt(symbol, status),
        "pause": lambda symbol: register.begin_gap("pause", symbol, seconds),
        "mute": lambda symbol: register.begin_gap("mute", symbol, seconds),
        "resume": register.resume,
        "delist": register.delist,
        "list": register.relist,
    }
    unknown = [
        symbol
        for name, change in changes.items()
        for symbol in query.get(name, [])
        if not change(symbol)
    ]
    return {"unknown": unknown} if unknown else None


def _seconds(query: dict[str, list[str]], name: str) -> float | None:
    """Return a duration, None if there is none; raise ValueError for one that cannot be."""
    if name not in query:
        return None
    seconds = float(query[name][-1])
    if not 0 <= seconds < 1e9:
        raise ValueError(query[name][-1])
    return seconds
