"""What is secret is hidden however a library spells it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import pytest

from relay import redaction
from relay.config import load
from relay.redaction import keep, redacted
from relay.url import HIDDEN, secrets

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "repr of more": lambda secret: repr(f"'{secret}"),
    "ascii": ascii,
    "repr of bytes": lambda secret: repr(secret.encode()),
    "JSON": json.dumps,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded but for slashes": quote,
    "of a form": quote_plus,
    "percent-encoded in lower case": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
}


@pytest.fixture(autouse=True)
def nothing_else_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction._Secrets, "known", frozenset())
    monkeypatch.setattr(redaction._Secrets, "pattern", None)


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(
    "written", ["geheim%C3%A4%22x%27y", "p%2Fq%5Cr12", "a%20b%2Bc9", "tok%e4%bd%a0xx", "Ab%3acd99"]
)
def test_a_password_is_hidden_however_it_is_spelled(
    written: str, spell: Callable[[str], str]
) -> None:
    keep(secrets(f"redis://somebody:{written}@127.0.0.1/0"))
    said = spell(unquote(written))
    assert redacted(f"it says {said}.").startswith("it says ")
    assert said.strip("b'\"") not in redacted(f"it says {said}.")
    assert HIDDEN in redacted(said)


def test_a_password_that_is_no_text_keeps_nobody_from_starting() -> None:
    keep(secrets("http://somebody:geheim\udcff@127.0.0.1"))
    assert HIDDEN in redacted("geheim\udcff")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ACCESS_TOKENS", "desk:planted-token-16", "Bearer planted-token-16"),
        ("ACCESS_TOKENS", "desk:planted-token-16", "Basic ZGVzazpwbGFudGVkLXRva2VuLTE2"),
        ("OPERATOR_TOKENS", "desk:planted-token-16", "Bearer planted-token-16"),
        ("TICKET_KEYS", "another key of 16,planted-token-16", "planted-token-16"),
        ("RELAY_SECRET", "planted-token-16", "planted-token-16"),
    ],
)
def test_tokens_keys_and_the_secret_are_hidden(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    load()
    assert HIDDEN in redacted(said)


def test_what_sentinels_call_the_master_is_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis+sentinel://:geheim@127.0.0.1/relay")
    load()
    assert redacted("relay.fanout.hub: geheim") == f"relay.fanout.hub: {HIDDEN}"
