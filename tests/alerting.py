"""The alert rules, and what promtool says fires for series that a test makes up."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.processes import ROOT

RULES = ROOT / "deploy/prometheus/alerts.yml"


def rules() -> list[dict[str, Any]]:
    """The alerts, without what is only recorded for them."""
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for rule in group["rules"] if "alert" in rule]


def case(
    series: dict[str, str], minutes: int, fired: list[str], labels: dict[str, str] | None = None
) -> dict[str, Any]:
    """One of promtool's test cases: these of the alerts fire, and no other. `labels`: those that each has of
    its series, where they are not the usual ones."""
    return {
        "interval": "10s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{minutes}m",
                "alertname": rule["alert"],
                "exp_alerts": [
                    {
                        "exp_labels": rule["labels"]
                        | (_told_apart(rule["alert"]) if labels is None else labels),
                        "exp_annotations": rule["annotations"],
                    }
                ]
                if rule["alert"] in fired
                else [],
            }
            for rule in rules()
        ],
    }


def fire(cases: list[dict[str, Any]]) -> None:
    """Has promtool try them."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "test.yml")
        file.write_text(json.dumps({"rule_files": [str(RULES)], "tests": cases}))
        done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What it says; skips the test where it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: Debian's package prometheus has it")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def _told_apart(alert: str) -> dict[str, str]:
    """The labels that an alert has of its series."""
    return {
        "RelayProcessGone": {"job": "relay"},
        "RelayLimitReached": {"limit": "MAX_CLIENTS"},
    }.get(alert, {})
