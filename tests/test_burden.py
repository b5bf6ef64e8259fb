"""A worker that is behind slows those whose clients cost most, tells them, and harms nobody else."""

import pytest

from relay.fanout import burden, cohort
from tests.fanout import Bench, Connection

NAMES = [f"S{i}" for i in range(100)]


class Slow(Bench):
    """A bench where each send to a dear client takes time."""

    def __init__(self) -> None:
        super().__init__()
        self.publish(*NAMES)
        self.shared = [self.join(("S0", "S1")) for _ in range(burden.MOST_MEMBERS + 1)]
        self.dear = self.join(tuple(NAMES))
        self.takes = 0.0
        send = self.dear.sock.send

        def costly(data: bytes) -> int:
            self.clock.advance(self.takes)
            return send(data)

        self.dear.client.send = costly

    def second(self) -> None:
        """Ten batches, and a look."""
        for _ in range(10):
            self.turn(0.1)
            self.publish("S0", "S5")
            self.turn()
        self.hub.rounds.look_at_burden()
        self.look()

    def passes(self, connection: Connection) -> int:
        """How often prices came within a second."""
        before = len(connection.viewer.ids)
        self.second()
        return len(connection.viewer.ids) - before


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Slow:
    # Of the dear one's two updates in each batch the cheap ones get one at most.
    monkeypatch.setattr(burden, "MOST_ENTRIES", 16)
    monkeypatch.setattr(cohort, "A_PASS", 1)
    return Slow()


def test_the_dearest_gets_fewer_passes_and_is_told(bench: Slow) -> None:
    assert bench.passes(bench.dear) >= 10
    bench.takes = 0.05
    bench.second()
    told = bench.dear.viewer.events[-1]
    assert (told["event"], told["slowed"], told["rate"]) == ("status", True, burden.FIRST_RATE)
    assert bench.passes(bench.dear) < 10
    assert all(bench.passes(connection) >= 10 for connection in bench.shared)
    assert bench.hub.door.refusals.counts["SLOWED"] > 0
    bench.settle()
    bench.look()
    assert bench.dear.viewer.prices == bench.expected(tuple(NAMES))
    assert not any("slowed" in e for c in bench.shared for e in c.viewer.events)


def test_it_ends_when_there_is_room_again(bench: Slow) -> None:
    bench.takes = 0.05
    bench.second()
    assert bench.dear.client.cohort.is_slowed
    bench.takes = 0.0
    for _ in range(10 * burden.PATIENT_LOOKS):
        bench.second()
    assert not bench.dear.client.cohort.is_slowed
    told = [e for e in bench.dear.viewer.events if "slowed" in e][-1]
    assert (told["slowed"], told["rate"]) == (False, 0)
    assert bench.passes(bench.dear) >= 10
    assert bench.dear.viewer.prices == bench.expected(tuple(NAMES))
    assert bench.dear.viewer.went_back == []


def test_a_cheap_client_is_not_slowed_though_the_worker_is_behind(bench: Slow) -> None:
    cheap = bench.join(("S0",))
    bench.takes = 0.05
    for _ in range(3):
        bench.second()
    assert not cheap.client.cohort.is_slowed


def test_nobody_is_slowed_below_the_least_rate(
    bench: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burden, "MOST_ENTRIES", 0)
    bench.takes = 0.05
    bench.shared[0].client.send = bench.dear.client.send
    for _ in range(30):
        bench.second()
    assert burden.LEAST_RATE <= bench.dear.client.cohort.rate < 2 * burden.LEAST_RATE


def test_many_clients_on_equal_terms_are_never_slowed(bench: Slow) -> None:
    for _ in range(burden.MOST_MEMBERS):
        bench.join(tuple(NAMES))
    bench.takes = 0.5
    bench.second()
    assert not bench.dear.client.cohort.is_slowed
