"""Numbers of things in lines for people."""

import pytest

from relay.amount import amount


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 updates"), (1, "1 update"), (2, "2 updates"), (1024, "1,024 updates")],
)
def test_one_thing_is_said_as_one(number: int, said: str) -> None:
    assert amount(number, "update") == said
