"""What `make test` leaves to `make test-long`.

It is a soak, and a short test beside it proves the behaviour; or it costs seconds of a processor, and only
repeats in another setting what a test without this mark proves.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest

#: The mark, for a test.
long = pytest.mark.long


def long_after(number: int, cases: Iterable[Any]) -> list[Any]:
    """Cases of a parameter, or tuples for several: those after the first `number` are long."""
    rest = iter(cases)
    return [
        *islice(rest, number),
        *(
            pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=long)
            for case in rest
        ),
    ]
