"""A HUP with a wrong setting ends nothing that serves."""

import os
import signal
import ssl
import sys
from pathlib import Path

import httpx

from tests.certificates import make_certificate, needs_openssl
from tests.plain_http import NO_TLS
from tests.processes import ROOT, Gunicorn, Process, wait_until

NOWHERE = "ws://127.0.0.1:1"


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", verify=NO_TLS).status_code == 200
    except httpx.TransportError:
        return False


def test_a_wrong_setting_in_env_leaves_the_settings_as_they_were(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(f"BINANCE_WS={NOWHERE}\n")
    options = ("-c", str(ROOT / "gunicorn.conf.py"), "-b", "127.0.0.1:0", "app:app")
    with Process([sys.executable, "-m", "gunicorn", *options], directory=tmp_path) as master:
        url = master.wait_for_line(r"Listening at: (http://127\.0\.0\.1:\d+)").group(1)
        wait_until(lambda: answers(url), "an answer")
        env.write_text(f"BINANCE_WS={NOWHERE}\nSTREAM=nonsense\n")
        start = len(master.output)
        master.signal(signal.SIGHUP)
        master.wait_for_line("the settings stay as they were: STREAM is wrong", start)
        worker = int(master.wait_for_line(r"Booting worker with pid: (\d+)", start).group(1))
        wait_until(lambda: answers(url), "an answer")
        start = len(master.output)
        os.kill(worker, signal.SIGKILL)
        master.wait_for_line("Booting worker with pid", start)
        wait_until(lambda: answers(url), "an answer of the worker that took its place")
        assert not master.has_ended


@needs_openssl
def test_a_wrong_certificate_leaves_the_workers_as_they_are(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    options = ("--certfile", str(made.certificate), "--keyfile", str(made.key))
    trusted = ssl.create_default_context(cafile=made.certificate)
    with Gunicorn(options=options, verify=trusted, BINANCE_WS=NOWHERE) as relay:
        wait_until(lambda: relay.http.get("/livez").status_code == 200, "an answer")
        before = relay.worker_pids()
        right = made.certificate.read_text()
        made.certificate.write_text("no certificate")
        relay.signal(signal.SIGHUP)
        relay.wait_for_line("not reloaded, the workers stay as they are: certfile or keyfile")
        assert relay.http.get("/livez").status_code == 200
        assert relay.worker_pids() == before
        made.certificate.write_text(right)
        relay.signal(signal.SIGHUP)
        wait_until(lambda: relay.worker_pids()[-1:] not in ([], before[-1:]), "another worker")
        # A worker that has only begun hears no TERM, and would be waited for.
        relay.kill()
