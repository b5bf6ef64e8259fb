"""Commands: what a client may say over its WebSocket."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

import msgspec

from relay.fanout.door import Full
from relay.fanout.hub import Hub
from relay.fanout.terms import Symbols, Terms
from relay.server.frames import TEXT, frame
from relay.server.websocket import Closed
from relay.web.subscription import BadQuery, check_rate, check_size, parse_symbols
from relay.web.ws_client import MessageClient
from relay.web.ws_form import INVALID_DATA, POLICY_VIOLATION, Messages


class Command(msgspec.Struct):
    """What a client may say."""

    op: Literal["subscribe", "unsubscribe", "rate", "ping"]
    symbols: list[str] | None = None
    rate: float | None = None
    #: Comes back with a pong.
    id: (
        Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
        | Annotated[str, msgspec.Meta(max_length=64)]
        | None
    ) = None


_decode = msgspec.json.Decoder(Command).decode


#: Symbols, of those that a client had and of those that it gets, for which a change costs one unit more. Such
#: a change takes 20 to 40 microseconds of CPU for each unit.
SYMBOLS_A_UNIT = 128
#: As so many symbols all of them count.
ALL = 1024


class Commands:
    """Obeys the clients of one hub."""

    def __init__(self, hub: Hub, max_symbols: int) -> None:
        """`max_symbols`: how many symbols one client may name."""
        self._hub = hub
        self._max_symbols = max_symbols
        self._known: dict[str, Callable[[MessageClient, Command], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "rate": self._set_rate,
            "ping": self._pong,
        }

    def obey(self, client: MessageClient, message: str | bytes) -> None:
        """Does what a message says, or answers with an error event.

        Raises Closed for what no client says that means well: no JSON, or nested too deeply.
        """
        try:
            if isinstance(message, bytes):
                raise BadQuery("messages must be text, not binary")
            command = _decode(message)
            self._known[command.op](client, command)
        except RecursionError:
            self._hub.door.refusals.count("COMMANDS")
            raise Closed(POLICY_VIOLATION, "nested too deeply") from None
        except (BadQuery, Full, msgspec.ValidationError) as error:
            self._refuse(client, str(error))
        except msgspec.DecodeError:
            self._hub.door.refusals.count("COMMANDS")
            raise Closed(INVALID_DATA, "no JSON") from None

    def _refuse(self, client: MessageClient, why: str) -> None:
        client.say(msgspec.json.encode({"event": "error", "error": why[:200]}))

    def _subscribe(self, client: MessageClient, command: Command) -> None:
        """Adds the named symbols; all of them where none are named.

        A client that gets all of them so far gets only the named ones from here on.
        """
        if command.symbols is None:
            self._change(client, None, client.cohort.terms.rate)
            return
        named = parse_symbols(command.symbols, self._max_symbols)
        together = {*named, *(client.cohort.symbols or ())}
        check_size(together, self._max_symbols)
        self._change(client, tuple(sorted(together)), client.cohort.terms.rate)

    def _unsubscribe(self, client: MessageClient, command: Command) -> None:
        """Takes the named symbols away; all of them where none are named."""
        old = client.cohort.symbols
        if command.symbols is None:
            self._change(client, (), client.cohort.terms.rate)
        elif old is None:
            raise BadQuery("symbols cannot be taken out of all; subscribe to the ones you want")
        else:
            named = frozenset(parse_symbols(command.symbols, self._max_symbols))
            self._change(client, tuple(s for s in old if s not in named), client.cohort.terms.rate)

    def _set_rate(self, client: MessageClient, command: Command) -> None:
        rate = 0.0 if command.rate == 0 else check_rate(command.rate)
        self._change(client, client.cohort.symbols, rate)

    def _pong(self, client: MessageClient, command: Command) -> None:
        answer = {} if command.id is None else {"re": command.id}
        client.say(self._hub.news.event("pong", client.stands_at, **answer))

    def _change(self, client: MessageClient, symbols: Symbols, rate: float) -> None:
        """Goes over to these symbols and this rate: a status event, the new symbols' prices, then
        what changed of the old ones."""
        old = client.cohort.symbols
        client.pay((_weight(old) + _weight(symbols)) // SYMBOLS_A_UNIT)
        version = client.cohort.stands_at(client, client.version)
        if symbols is None and old is not None:
            version = 0
        lacking: tuple[str, ...] = ()
        if symbols is not None and version > 0:
            has = frozenset(old or ()).difference(client.lacking)
            lacking = tuple(s for s in symbols if s not in has and s in self._hub.board)
        status = self._hub.news.change_of_mind(version, symbols, rate, lacking)
        self._hub.crowd.move(
            client,
            self._terms(client, symbols, rate),
            version=version,
            lacking=lacking,
            first=frame(TEXT, status),
        )

    def _terms(self, client: MessageClient, symbols: Symbols, rate: float) -> Terms:
        """With the client's form, compressed where that is agreed on and may be shared."""
        form = client.cohort.form
        assert isinstance(form, Messages)  # noqa: S101 - for the type checker
        deflated = Terms(replace(form, deflated=True), symbols, rate)
        if client.deflates and self._hub.may_compress(deflated):
            return deflated
        return Terms(replace(form, deflated=False), symbols, rate)


def _weight(symbols: Symbols) -> int:
    return ALL if symbols is None else len(symbols)
