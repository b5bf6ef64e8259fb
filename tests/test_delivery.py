"""A socket may take any part of a delivery: what is left is the piece it is in, and no more."""

from relay.fanout.delivery import Delivery, deliver
from relay.ticker import Ticker


def test_every_cut_leaves_whole_pieces_and_the_version_they_reach() -> None:
    pieces, versions = [b"one", b"twotwo", b"three"], [3, 5, 9]
    delivery = Delivery(pieces, versions)
    assert delivery.remainder(0, 1) == (b"", 1)
    for sent in range(1, len(delivery.data) + 1):
        unfinished, version = delivery.remainder(sent, 1)
        whole = delivery.data[:sent] + unfinished
        assert whole in (b"one", b"onetwotwo", b"onetwotwothree")
        assert version == {3: 3, 9: 5, 14: 9}[len(whole)]
        assert len(unfinished) < 6


def test_each_piece_ends_with_the_id_of_what_it_holds() -> None:
    entries = [(version, Ticker(f"S{version}", "1", "trade", 0)) for version in (2, 4, 7, 8, 9)]
    seen = []

    def encode(part: list[tuple[int, Ticker]], resume_id: str) -> bytes:
        seen.append(([version for version, _ in part], resume_id))
        return b"x"

    deliver(entries, 12, "e", encode, entries_per_piece=2)
    assert seen == [([2, 4], "e-4"), ([7, 8], "e-8"), ([9], "e-12")]
