"""schemathesis asks a running relay whatever its description allows, and what it forbids."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.long import long
from tests.processes import ROOT, Gunicorn
from tests.scripted import ScriptedExchange

CONTRACT = ROOT / "tests" / "contract"


@pytest.fixture(scope="module")
def relay() -> Iterator[Gunicorn]:
    """One whose streams say something each second, and whose lists are short: they are made up in Python."""
    settings = {"FEED_SILENCE_SECONDS": "600", "HEARTBEAT_SECONDS": "1", "MAX_SYMBOLS": "6"}
    with ScriptedExchange() as exchange, Gunicorn(BINANCE_WS=exchange.url, **settings) as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


#: Seconds: it takes 10 of a processor's own.
SECONDS = 200


@long
@pytest.mark.timeout(SECONDS + 30)
def test_every_request_is_answered_as_the_description_says(relay: Gunicorn, tmp_path: Path) -> None:
    command = [
        *(
            Path(sys.executable).parent / "schemathesis",
            "--config-file",
            CONTRACT / "schemathesis.toml",
        ),
        *("run", f"{relay.url}/api/openapi.json", "--seed", "1"),
        # Each rule of the description is kept and broken; what is drawn at random would take a minute more.
        *("--phases", "examples,coverage", "--continue-on-failure", "--no-color", "--workers", "2"),
    ]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.contract.hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    assert "Tested: 9" in done.stdout
