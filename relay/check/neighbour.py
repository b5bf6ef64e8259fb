"""Neighbour: who listens already at an address that is taken."""

import http.client
import json
import ssl
from collections.abc import Collection
from typing import Any

import gevent

#: Seconds that each question may take.
ANSWER_SECONDS = 3.0
#: Bytes of an answer that are read.
_MAX_BYTES = 4 << 20
_ERRORS = (OSError, http.client.HTTPException, ValueError)
#: What a listener says to whom it does not know; see metrics/port.py.
_FOR_OPERATORS = "this is for operators (OPERATOR_TOKENS)"
#: Where others reach what listens on every address.
_NEAR = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


def relay_at(host: str, port: int, tokens: Collection[str]) -> str:
    """How the relay is that answers there, in a few words; empty where none does. `tokens`: those of
    operators, one of which lets us see its version."""
    ready = _object(_ask(host, port, "/readyz", tokens))
    if not {"ready", "draining", "state"} <= ready.keys():
        return ""
    said = [f"{ready['state']}"[:20]]
    if ready.get("simulated"):
        said.append("SIMULATED")
    if ready["draining"]:
        said.append("draining")
    version = _version(_object(_ask(host, port, "/status", tokens)))
    if version:
        said.append(f"at {version}")
    reason = f"{ready.get('reason') or ''}"[:300]
    return ", ".join(said) + (f" ({reason})" if reason else "")


def listener_at(host: str, port: int, tokens: Collection[str]) -> str:
    """What the listener does whose metrics answer there; empty where none do."""
    lines = _ask(host, port, "/metrics", tokens).decode(errors="replace").splitlines()
    if lines == [_FOR_OPERATORS]:
        return "it lets only operators ask"
    if 'relay_processes{role="listener"} 1.0' not in lines:
        return ""
    return "it writes" if "relay_leading 1.0" in lines else "it does not write at present"


def _version(status: dict[str, Any]) -> str:
    """The newest id that any process says it has."""
    processes = status.get("processes")
    found = [one.get("version") for one in processes or () if isinstance(one, dict)]
    return max((f"{version}"[:60] for version in found if version), key=_order, default="")


def _order(version: str) -> tuple[str, int, str]:
    """A longer number of the same epoch is a later one."""
    epoch, _, number = version.rpartition("-")
    return epoch, len(number), number


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _ask(host: str, port: int, path: str, tokens: Collection[str]) -> bytes:
    """The body of whatever answers, in plain text or by TLS; empty where nothing does in time."""
    headers = {"Connection": "close"}
    if tokens:
        headers["Authorization"] = f"Bearer {next(iter(tokens))}"
    near = _NEAR.get(host, host)
    # It only has to be found, not to be believed.
    anybody = ssl._create_unverified_context()  # noqa: S323
    for connection in (
        http.client.HTTPConnection(near, port, timeout=ANSWER_SECONDS),
        http.client.HTTPSConnection(near, port, timeout=ANSWER_SECONDS, context=anybody),
    ):
        try:
            with gevent.Timeout(ANSWER_SECONDS, TimeoutError()):
                connection.request("GET", path, headers=headers)
                return connection.getresponse().read(_MAX_BYTES)
        except TimeoutError:
            # Who speaks only TLS would have said so at once.
            break
        except _ERRORS:
            continue
        finally:
            connection.close()
    return b""
