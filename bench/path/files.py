"""Files: what those for deployment say is to be run, read out of them."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

#: Where units and image have the relay.
INSTALLED = "/opt/relay"


@dataclass(frozen=True)
class Commands:
    """What starts each role, as a shell is told."""

    listener: str
    web: str


def readme(root: Path, port: int) -> Commands:
    """The commands with Redis of the README; the address in them becomes ours."""
    lines = re.findall(r"^REDIS_URL=\S+ (.*)$", (root / "README.md").read_text(), re.M)
    if len(lines) != 2:
        raise RuntimeError(f"the README starts {len(lines)} roles with Redis, not 2")
    listener, web = (line.removesuffix("&").strip() for line in lines)
    return Commands(listener, web.replace("127.0.0.1:3001", f"127.0.0.1:{port}"))


def procfile(root: Path) -> Commands:
    """The lines of the Procfile."""
    roles = dict(line.split(": ", 1) for line in (root / "Procfile").read_text().splitlines())
    return Commands(roles["listener"], roles["web"])


def units(root: Path, prefix: Path) -> Commands:
    """ExecStart of both units, where the relay is installed at `prefix`."""
    folder = root / "deploy/systemd"
    found = [
        re.findall(r"^ExecStart=(.*)$", (folder / name).read_text(), re.M)[0]
        for name in ("relay-listener@.service", "relay-web.service")
    ]
    return Commands(*(line.replace(INSTALLED, str(prefix)) for line in found))


@dataclass(frozen=True)
class Image:
    """What the Dockerfile does and says, moved to `prefix`, with the source in `source`."""

    steps: list[str]
    left_out: list[str]
    env: dict[str, str]
    commands: Commands
    health: list[str]


def image(root: Path, prefix: Path, source: Path) -> Image:
    """Reads the Dockerfile. Steps that would make a user of this machine are left out."""
    text = (root / "Dockerfile").read_text()
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.M))
    text = text.replace(INSTALLED, str(prefix)).replace("/src", str(source))
    steps = re.findall(r"^RUN (.*)$", text, re.M)
    users = [step for step in steps if step.startswith("useradd")]
    env = dict(re.findall(r"(\w+)=(\S+)", re.findall(r"^ENV (.*)$", text, re.M)[0]))
    env.pop("PATH")
    entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", text, re.M)[0])
    default = json.loads(re.findall(r"^CMD (.*)$", text, re.M)[0])
    health = json.loads(re.findall(r"^HEALTHCHECK .*CMD (.*)$", text, re.M)[0])
    listener, web = shlex.join([*entry, "listener"]), shlex.join([*entry, *default])
    return Image(
        [step for step in steps if step not in users], users, env, Commands(listener, web), health
    )
