"""Every command of the documents does what they say: it is run here, or by what is named here."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.exchange import Simulator
from tests.ports import free_port
from tests.processes import ROOT, WAIT_SECONDS, Process, wait_until
from tests.test_docs import DOCUMENTS
from tests.test_redis_trouble import RIGHTS, needs_redis_server

_PROGRAMS = (
    "make|python|pip|relay|gunicorn|redis-server|redis-cli|curl|promtool|pm2|npm|systemctl|systemd-analyze"
    r"|docker|kill|ulimit|ACL|GET /api\S+"
)
_COMMAND = re.compile(rf"^(?:\$ )?((?:[A-Z_]+=\S+ )*(?:{_PROGRAMS}) .*)$")

#: Run by others: the file of tests.
ELSEWHERE = {
    "python app.py": "test_starting.py",
    "relay ": "test_starting.py",
    "gunicorn ": "test_starting.py",
    "python -m relay web": "test_deploy.py",
    "pm2 start": "test_deploy.py",
    "systemd-analyze verify": "test_deploy.py",
    "python -m docs.licences": "test_deploy.py",
    "npm install path/to/relay/static": "test_package.py",
    "python -m gunicorn": "test_reload.py",
    "kill -HUP": "test_takes_over.py",
    "kill -USR2": "test_reload.py",
    "kill -TERM": "test_reload.py",
    "ulimit -n": "test_descriptors.py",
    "redis-cli --cluster reshard": "test_redis_cluster.py",
    "python listener.py --record": "test_recorder.py",
    "python -m relay.simulator": "test_simulator_replay.py",
    "python -m bench.": "test_attack.py",
    "python -m relay check": "test_check.py",
    "curl -X POST": "test_access.py",
}
#: What no test runs, and why.
NOT_RUN = {
    "docker ": "no container engine",
    "systemctl ": "no systemd",
    "pip install ": "it asks the registry; the lock is looked at by test_deploy.py",
}


def _commands() -> list[str]:
    """Each command of each document, once."""
    found: dict[str, None] = {}
    for document in DOCUMENTS:
        in_code = False
        for line in document.read_text().splitlines():
            if line.startswith("```"):
                in_code = not in_code
                continue
            for text in [line] if in_code else re.findall(r"`([^`]+)`", line):
                if match := _COMMAND.match(text.strip()):
                    found[match[1]] = None
    return list(found)


COMMANDS = _commands()
#: What is run here.
SERVERS = [c for c in COMMANDS if c.endswith("&") or "gunicorn -k geventwebsocket -w 2" in c]
QUESTIONS = [
    c for c in COMMANDS if c.startswith(("curl -N", "curl localhost", "curl http:", "GET /"))
]
USERS = [c for c in COMMANDS if c.startswith("ACL ")]
PROMTOOL = [c for c in COMMANDS if c.startswith("promtool ")]
TARGETS = [c for c in COMMANDS if "make " in c.split("=")[-1]]


class Shell:
    """Runs commands as a person would who has changed the ports."""

    def __init__(self) -> None:
        self._ports = {"6379": str(free_port()), "3001": str(free_port())}
        self._path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def fit(self, command: str) -> str:
        """The command with the ports of this test."""
        for usual, ours in self._ports.items():
            command = command.replace(usual, ours)
        return command

    def start(self, command: str, **env: str) -> Process:
        return Process(["sh", "-c", f"exec env {self.fit(command)}"], {"PATH": self._path, **env})

    @property
    def url(self) -> str:
        return self.fit("http://localhost:3001")

    def out(self, command: str) -> str:
        """What it prints; a stream is left after its first event."""
        done = subprocess.run(
            ["/bin/bash", "-c", self.fit(command)],
            cwd=ROOT,
            env=os.environ | {"PATH": self._path, "REDIS_URL": self.fit("redis://localhost:6379")},
            check=True,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
        )
        return done.stdout


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """What the README says, done: Redis, a listener, workers."""
    shell = Shell()
    with ExitStack() as stack:
        simulator = stack.enter_context(Simulator())
        for command in SERVERS:
            line = command.removesuffix("&").replace(
                "redis-server", "redis-server --port 6379 --save ''"
            )
            stack.enter_context(shell.start(line, BINANCE_WS=simulator.url))
        wait_until(lambda: _answers(f"{shell.url}/readyz"), "the relay of the README", 60)
        yield shell


def _answers(url: str) -> bool:
    try:
        return plain_http.get(url).is_success
    except httpx.TransportError:
        return False


def test_every_command_is_run_by_somebody() -> None:
    known = (*ELSEWHERE, *NOT_RUN)
    here = {*SERVERS, *QUESTIONS, *USERS, *PROMTOOL, *TARGETS}
    assert [c for c in COMMANDS if c not in here and not c.startswith(known)] == []
    assert [name for name in ELSEWHERE.values() if not (ROOT / "tests" / name).exists()] == []


@needs_redis_server
def test_what_the_readme_starts_answers_every_question(shell: Shell) -> None:
    assert len(SERVERS) == 3
    for question in QUESTIONS:
        if question.startswith("GET "):
            path = question.split()[1]
            assert plain_http.get(shell.url + path).is_success, question
        elif "-N" in question:
            asked = question.replace("curl", "timeout 2 curl -s") + "; true"
            assert '"price":"' in shell.out(asked)
        else:
            assert shell.out(question.replace("curl", "curl -sf"))


@needs_redis_server
def test_the_documented_users_of_redis_have_the_rights_that_are_tested(shell: Shell) -> None:
    assert USERS
    for user in USERS:
        rights = user.partition(">PASSWORD ")[2]
        assert rights.split() == RIGHTS.split()
        port = shell.fit("6379")
        assert shell.out(f"redis-cli -p {port} {_quoted(user)}") == "OK\n"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_what_it_is_to_be_given() -> None:
    shell = Shell()
    assert PROMTOOL
    for command in PROMTOOL:
        assert "SUCCESS" in shell.out(command)


def test_every_target_of_make_is_there() -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert [c for c in TARGETS if c.split("make ")[1].split()[0] not in targets] == []


def _quoted(command: str) -> str:
    return " ".join(f"'{word}'" for word in command.split())
