"""Amount: a number of things, as people say it."""


def amount(number: int, thing: str) -> str:
    """`1 update`, `1,024 updates`: of a thing whose plural ends with s."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
