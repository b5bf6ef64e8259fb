"""What `deploy/` and its neighbours say is understood by the programs that it is for, and agrees."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.licences import text
from tests.processes import ROOT

UNITS = sorted((ROOT / "deploy/systemd").iterdir())


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    # It wants to see the program that is to be run.
    (copy := tmp_path / unit.name).write_text(
        unit.read_text().replace("/opt/relay/bin/relay", "/bin/true")
    )
    done = subprocess.run([program, "verify", copy], check=False, capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, [])


def test_the_lock_has_every_requirement_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = set(re.findall(r"^([a-z0-9-]+==\S+)", lock, re.M))
    wanted = re.findall(
        r"^([a-z0-9-]+)(?:\[\w+\])?(==\S+)", (ROOT / "requirements.txt").read_text(), re.M
    )
    assert {name + version for name, version in wanted} <= pins
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock


def test_licences_are_those_of_the_lock() -> None:
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \|", text(), re.M))
    document = (ROOT / "docs/licences.md").read_text()
    assert listed == set(re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \|", document, re.M))


def test_pm2_starts_both_roles_and_ends_them_by_term() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    told = "map(app => [app.name, app.args, app.kill_signal])"
    script = f"console.log(JSON.stringify(require('./ecosystem.config.js').apps.{told}))"
    done = subprocess.run(
        [node, "-e", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == (
        '[["relay-listener","-m relay listener","SIGTERM"],["relay-web","-m relay web","SIGTERM"]]'
    )


def test_no_two_listeners_are_given_one_port_for_metrics() -> None:
    listener = (ROOT / "deploy/systemd/relay-listener@.service").read_text()
    files = re.findall(r"^EnvironmentFile=-(.*)$", listener, re.M)
    assert files == ["/etc/relay/relay.env", "/etc/relay/relay-listener-%i.env"]
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    script = "console.log(require('./ecosystem.config.js').apps.map(app => app.increment_var))"
    told = {
        port: subprocess.run(
            [node, "-e", script],
            cwd=ROOT,
            env={"METRICS_PORT": port},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for port in ("3011", "0", "")
    }
    nothing = "[ undefined, undefined ]"
    assert told == {"3011": "[ 'METRICS_PORT', undefined ]", "0": nothing, "": nothing}


def test_every_folder_of_the_relay_is_in_the_wheel() -> None:
    said = (ROOT / "pyproject.toml").read_text()
    for folder in (ROOT / "relay").iterdir():
        if (folder / "__init__.py").exists():
            assert f'"relay.{folder.name}"' in said, folder
