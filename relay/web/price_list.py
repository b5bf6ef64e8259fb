"""PriceList: what changed since an id, as JSON, made once for all who ask for the same at the same moment."""

import zlib
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import NamedTuple

import msgspec

from relay.fanout.encoding import parted
from relay.fanout.hub import Hub
from relay.fanout.terms import Symbols
from relay.fanout.vigil import GivesWay
from relay.web.packed import Packed, Packer
from relay.web.sent import INCOMPLETE, MOVING
from relay.web.subscription import BadQuery, parse

#: Seconds that a poll may wait: below the time-outs of the usual proxies, 30 and 60 s.
MAX_WAIT_SECONDS = 25
#: Answers that are kept, and the moments of a second for which they are.
_KEPT, _MOMENTS = 32, 4


class Asked(NamedTuple):
    """What a poll asks for."""

    symbols: Symbols
    #: The id, or nothing.
    since: str
    #: Seconds that it may wait for a change.
    wait: int


class Priced(NamedTuple):
    """An answer, and the tag that equal prices share, whatever the time."""

    packed: Packed
    tag: str
    cache: str
    #: How many symbols it tells of.
    number: int


def asked(query: Mapping[str, str], max_symbols: int) -> Asked:
    """Reads a query; raises BadQuery."""
    wish = parse(query, "", max_symbols)
    text = query.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 3 and int(text) <= MAX_WAIT_SECONDS):
        raise BadQuery(f"wait must be a whole number of seconds, {MAX_WAIT_SECONDS} at most")
    if int(text) and not wish.since:
        raise BadQuery("wait needs since, the id of the last answer")
    return Asked(wish.symbols, wish.since, int(text))


class PriceList:
    """Answers those who poll."""

    def __init__(self, hub: Hub, packer: Packer) -> None:
        self._hub = hub
        self._packer = packer
        self._made: OrderedDict[tuple[object, ...], Priced] = OrderedDict()

    def wait(self, wish: Asked, holder: Hashable, gives_way: GivesWay) -> None:
        """Returns once there is something to say, or it has waited enough. Raises Full.

        `holder` and `gives_way`: see Vigil.
        """
        board, hub = self._hub.board, self._hub
        if hub.draining:
            return
        version = board.version_of(wish.since)
        # One who knows nothing that counts is told everything, once there is anything.
        if not board.epoch or (version and not board.since(version, wish.symbols)):
            hub.vigil.wait(wish.symbols, wish.wait, holder, gives_way)

    def get(self, wish: Asked) -> Priced:
        """What changed. A cache on the way may give it to others: an id's answer never becomes wrong, only
        old, and its `time` says how old. One that says nothing new would be asked for again at once."""
        hub = self._hub
        moment = int(hub.clock.monotonic() * _MOMENTS)
        key = (wish.symbols, wish.since, hub.board.id, hub.verdict().label, moment)
        made = self._made.get(key)
        if made is None:
            made = self._make(wish)
            if made.cache == INCOMPLETE:
                return made
            self._made[key] = made
            if len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return made

    def _make(self, wish: Asked) -> Priced:
        hub = self._hub
        changes = hub.news.changes(hub.board.version_of(wish.since), wish.symbols)
        tickers, gone = parted(changes.entries)
        verdict = hub.verdict()
        said: dict[str, object] = {
            "mode": changes.mode,
            "prices": {ticker.symbol: ticker.price for ticker in tickers},
        }
        if gone:
            said["removed"] = gone
        if wish.symbols is not None:
            said["unknown"] = changes.unknown
        steady = msgspec.json.encode(said)[1:]
        moving = {"id": hub.board.id, "time": hub.health.now(), "feed": verdict}
        packed = Packed(self._packer, msgspec.json.encode(moving)[:-1] + b",", steady)
        state = f"{verdict.state} {verdict.simulated} {verdict.hop}".encode()
        # Whoever gets a list says the same of the same prices, in whatever order they were asked for.
        tag = f"{zlib.crc32(steady, zlib.crc32(state)):08x}{len(steady):x}"
        # By one that says no price, a client also compares its clock with ours.
        is_empty = not changes.entries or not hub.board.epoch
        return Priced(packed, tag, INCOMPLETE if is_empty else MOVING, len(changes.entries))
