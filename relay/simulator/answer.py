"""Answer: to a REST call."""

#: Status, body and headers.
Answer = tuple[int, str, dict[str, str]]
