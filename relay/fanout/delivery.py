"""Delivery: bytes made once for any number of clients, and where they may be cut short."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from relay.board import Entry, resume_id
from relay.fanout.checksum import NOTHING, Checksum, said_by
from relay.fanout.deflate import Saved


class Delivery:
    """Whole events, in pieces.

    A client whose socket takes only a part of it gets the remainder of the piece that was cut, and no
    more: what follows will be newer by then.
    """

    __slots__ = ("_ends", "_sums", "_versions", "data", "said", "saved", "updates")

    def __init__(
        self, pieces: Sequence[bytes], versions: Sequence[int], updates: int = 0, saved: int = 0
    ) -> None:
        """`versions[i]`: where a client stands that has the pieces up to and with `pieces[i]`. `updates`: how
        many there are in all; `saved`: bytes that compression took away."""
        self.updates = updates
        self.saved = saved
        self.data = b"".join(pieces) if len(pieces) > 1 else pieces[0]
        self._versions = versions
        #: What the pieces say, where somebody may ask for its checksum.
        self.said = said_by(pieces)
        # Checksums of all up to and with each piece, once somebody has asked.
        self._sums: list[Checksum] = []
        self._ends: list[int] = []
        end = 0
        for piece in pieces:
            end += len(piece)
            self._ends.append(end)

    def remainder(self, sent: int, version: int) -> tuple[bytes, int]:
        """After `sent` bytes: the unfinished bytes of the piece, and the version once they are sent.

        `version` is where the client stood before.
        """
        if sent == 0:
            return b"", version
        i = bisect_left(self._ends, sent)
        return self.data[sent : self._ends[i]], self._versions[i]

    def within(self, size: int) -> int:
        """The bytes of the first pieces that together have no more than `size`; of one piece at least."""
        return self._ends[max(bisect_right(self._ends, size) - 1, 0)]

    def begun(self, sent: int) -> Checksum:
        """Of what the pieces say of which `sent` bytes hold some."""
        if not sent or not self.said:
            return NOTHING
        if not self._sums:
            total = NOTHING
            for said in self.said:
                total = total.over([said])
                self._sums.append(total)
        return self._sums[bisect_left(self._ends, sent)]


def deliver(
    entries: list[Entry],
    version: int,
    epoch: str,
    encode: Callable[[list[Entry], str], bytes],
    entries_per_piece: int,
) -> Delivery:
    """Encodes what changed, up to `version`, as pieces that each end with the id to resume from."""
    pieces, versions, before = [], [], Saved.size
    for start in range(0, len(entries), entries_per_piece):
        part = entries[start : start + entries_per_piece]
        last = start + len(part) == len(entries)
        reached = version if last else part[-1][0]
        pieces.append(encode(part, resume_id(epoch, reached)))
        versions.append(reached)
    return Delivery(pieces, versions, len(entries), Saved.size - before)
