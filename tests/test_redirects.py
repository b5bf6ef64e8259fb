"""Nobody but the configured host is asked, wherever an exchange's answer points to."""

from collections.abc import Iterator

import pytest

from relay.exchange import http_limits
from tests.scripted_api import Said, ScriptedApi

LOCATIONS = [
    "/api/v3/ticker/24hr",
    "https://127.0.0.1:1/",
    "http://user:pw@127.0.0.1:1/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:1/",
    "gopher://127.0.0.1:1/",
    "http://[",
    "http://a\u2100b/",
    "http://127.0.0.1:port/",
    "http://127.0.0.1/\x01\x0b\x7f",
    "",
]


@pytest.fixture(scope="module")
def api() -> Iterator[ScriptedApi]:
    with ScriptedApi(lambda _: Said()) as api:
        yield api


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", LOCATIONS)
def test_a_redirect_is_an_answer_that_leads_nowhere(
    api: ScriptedApi, status: int, location: str
) -> None:
    latin = location.encode().decode("latin-1")
    api.answer = lambda _: Said(b"", status, {"Location": latin})
    api.paths.clear()
    with pytest.raises(http_limits.StatusError, match=rf"^HTTP {status}$"):
        http_limits.get(f"{api.url}/one", 5, 1000, TimeoutError())
    assert api.paths == ["/one"]


def test_a_redirect_to_itself_is_asked_once(api: ScriptedApi) -> None:
    api.answer = lambda _: Said(b"", 302, {"Location": f"{api.url}/one"})
    api.paths.clear()
    with pytest.raises(http_limits.StatusError):
        http_limits.get(f"{api.url}/one", 5, 1000, TimeoutError())
    assert api.paths == ["/one"]
