"""What is closed when its `with` block ends."""

from types import TracebackType
from typing import Self


class Closing:
    """Gives a class that has `close` the form of a context manager."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
