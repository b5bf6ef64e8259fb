"""News: what clients are told of the feed and of where they stand."""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from relay.board import Board, Entry, resume_id
from relay.fanout.health import Health
from relay.fanout.terms import Symbols

#: The shortest window, in seconds, in which clients that are sent away come back at a random moment.
MIN_RETURN_SECONDS = 2.0
#: The first moment at which such a client may come back, in milliseconds.
_FIRST_RETURN_MILLISECONDS = 500

Mode = Literal["none", "changes", "full"]


class Changes(NamedTuple):
    """What a client at some version lacks of the symbols that it asked for."""

    #: none: nothing. changes: `entries`. full: it has to forget what it holds; `entries` is everything.
    mode: Mode
    entries: list[Entry]
    #: The symbols asked for of which no price is known.
    unknown: list[str]


class News:
    """Words events for the clients of one board."""

    def __init__(self, board: Board, health: Health, heartbeat_seconds: float) -> None:
        self._board = board
        self._health = health
        self._heartbeat_seconds = heartbeat_seconds
        #: Counts what everybody was told; a client that missed the newest is told when it catches up.
        self.told = 0
        self._asked: tuple[object, ...] = ()
        self._answer = Changes("none", [], [])

    def changes(self, version: int, symbols: Symbols) -> Changes:
        """What a client at `version` lacks; None is all symbols. The same question is answered once."""
        board = self._board
        asked = (version, symbols, board.epoch, board.version)
        if asked != self._asked:
            self._asked = asked
            entries = board.since(version, symbols)
            mode: Mode = "full" if version == 0 else "changes" if entries else "none"
            # Before anything is read, nothing is known of any of them.
            unknown = [s for s in symbols or () if s not in board] if board.epoch else []
            self._answer = Changes(mode, entries, unknown)
        return self._answer

    def event(self, name: str, version: int, **more: object) -> bytes:
        """The JSON of an event that says how the feed is, for clients at `version`."""
        return msgspec.json.encode(
            {
                "event": name,
                "id": resume_id(self._board.epoch, version),
                "time": self._health.now(),
                "heartbeat": self._heartbeat_seconds,
            }
            | more
            | msgspec.structs.asdict(self._health.verdict())
        )

    def status(self, version: int, symbols: Symbols, rate: float, resumable: int) -> bytes:
        """The JSON of a status event for a client that comes, comes back, or has caught up.

        It may resume from the version `resumable`. The `rate` in force is said where there is one.
        """
        changes = self.changes(version, symbols)
        unknown = {"unknown": changes.unknown} if changes.unknown else {}
        full = changes.entries if changes.mode == "full" else []
        said = {"rate": rate} if rate else {}
        up_to = {"up_to": resume_id(self._board.epoch, full[-1][0])} if full else {}
        # It may resume from nothing where symbols that it lately asked for are still on their way.
        follows = changes.mode == "none" and resumable < version
        return self.event(
            "status",
            resumable,
            mode="changes" if follows else changes.mode,
            **said,
            **unknown,
            **up_to,
        )

    def change_of_mind(
        self, version: int, symbols: Symbols, rate: float, lacking: Sequence[str]
    ) -> bytes:
        """The JSON of a status event for a client at `version` that changed its symbols or its rate.

        `lacking`: the symbols of which it has nothing yet.
        """
        mode = "full" if version == 0 else "changes" if lacking else "none"
        unknown = [symbol for symbol in symbols or () if symbol not in self._board]
        # Until the new symbols have come no id will do: a resumption by it would leave them out.
        resumable = 0 if lacking else version
        return self.event(
            "status", resumable, mode=mode, symbols=symbols, unknown=unknown, rate=rate
        )

    def bye(self, version: int, window: float = MIN_RETURN_SECONDS, reason: str = "") -> bytes:
        """The JSON of a goodbye; `retry` says when to come back, at random within `window` seconds. A
        `reason` says why a stream may not begin; a worker that goes away gives none."""
        last = _FIRST_RETURN_MILLISECONDS + int(1000 * window)
        retry = random.randint(_FIRST_RETURN_MILLISECONDS, last)
        said = {"event": "bye", "id": resume_id(self._board.epoch, version), "retry": retry}
        return msgspec.json.encode(said | ({"reason": reason} if reason else {}))
