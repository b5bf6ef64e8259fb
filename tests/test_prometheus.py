"""What stands in deploy/ for Prometheus and Grafana: each alert fires, and each metric is there."""

import json
import re
from pathlib import Path

import pytest
import yaml

from relay.metrics.__main__ import reference
from relay.metrics.reference import FAMILIES, HISTOGRAM
from tests.alerting import RULES, case, fire, promtool, rules
from tests.processes import ROOT

DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
DOCUMENTS = (RULES, DASHBOARD)

#: What goes wrong, as Prometheus sees it each 10 s: series, and their values in promtool's notation.
FAILURES: dict[str, dict[str, str]] = {
    "RelayProcessGone": {'up{job="relay"}': "0x30"},
    "RelayFeedSilent": {
        'relay_data_age_seconds{hop="exchange",instance="l"}': "0+10x30",
        'relay_leading{instance="l"}': "1x30",
    },
    "RelayFeedDown": {
        'relay_feed_state{state="down",instance="l"}': "1x30",
        'relay_leading{instance="l"}': "1x30",
    },
    "RelaySimulated": {"relay_feed_simulated": "1x30"},
    "RelayReconnecting": {'relay_reconnects_total{cause="closed"}': "0+2x60"},
    "RelayListenerGone": {'relay_data_age_seconds{hop="listener"}': "0+10x30"},
    "RelayNobodyLeads": {"relay_leading": "0x30"},
    "RelayNoStandby": {"relay_standbys": "0x100"},
    "RelayRedisErrors": {"relay_redis_errors_total": "0+3x30"},
    "RelayForeignMessages": {"relay_foreign_messages_total": "0x20 1x20"},
    "RelayWorkerBehind": {
        'relay_publish_to_write_seconds_bucket{le="1.0"}': "0+10x30",
        'relay_publish_to_write_seconds_bucket{le="2.5"}': "0+20x30",
        'relay_publish_to_write_seconds_bucket{le="+Inf"}': "0+20x30",
    },
    "RelayClientsBehind": {"relay_behind": "60x30", "relay_streams": "200x30"},
    "RelayClientsCut": {'relay_cut_total{reason="stall"}': "0+3x30", "relay_streams": "500x30"},
    "RelayLimitReached": {'relay_refused_total{limit="MAX_CLIENTS"}': "0x20 5x20"},
    "RelayLoopLag": {"relay_loop_lag_seconds": "0.4x30"},
    "RelayMemory": {"relay_memory_bytes": "3000000000x60", "relay_processes": "1x60"},
    "RelayHistoryDegraded": {"relay_history_degraded": "1x60"},
    "RelayCandlesLost": {"relay_history_lost_candles_total": "0x20 7x20"},
    "RelayRestWeight": {"relay_rest_weight": "4800x30"},
}
#: How long each lasts, where the usual five minutes are too short; minutes.
LASTS = {"RelayNoStandby": 12, "RelayMemory": 8, "RelayHistoryDegraded": 8, "RelayReconnecting": 10}
#: A relay that is well, beside which no alert may fire.
WELL = {
    'up{job="relay"}': "1x100",
    'relay_data_age_seconds{hop="exchange"}': "1x100",
    'relay_data_age_seconds{hop="listener"}': "1x100",
    'relay_feed_state{state="live"}': "2x100",
    'relay_feed_state{state="down"}': "0x100",
    "relay_feed_simulated": "0x100",
    "relay_leading": "1x100",
    "relay_standbys": "1x100",
    "relay_redis_errors_total": "0x100",
    "relay_streams": "1000x100",
    "relay_behind": "3x100",
    'relay_cut_total{reason="stall"}': "0+0.1x100",
    'relay_refused_total{limit="OPENS"}': "7x100",
    "relay_memory_bytes": "600000000x100",
    "relay_processes": "3x100",
}


@pytest.mark.parametrize("name", ["alerts.yml", "prometheus.yml"])
def test_prometheus_takes_what_it_is_given(name: str) -> None:
    what = "rules" if name == "alerts.yml" else "config"
    done = promtool("check", what, str(RULES.parent / name))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_for_its_failure_and_none_for_a_relay_that_is_well() -> None:
    cases = [case(WELL, 15, [])]
    for alert, series in FAILURES.items():
        cases.append(case(series, LASTS.get(alert, 5), [alert]))
    fire(cases)


def test_each_alert_has_a_failure_and_says_what_to_do() -> None:
    assert {rule["alert"] for rule in rules()} == set(FAILURES)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert all(rule["annotations"][name].endswith(".") for name in ("summary", "action"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_metric_that_is_asked_for_exists(document: Path) -> None:
    known = {family.name for family in FAMILIES}
    known |= {f"{family.name}_bucket" for family in FAMILIES if family.kind == HISTOGRAM}
    asked = expressions(document)
    used = {name for text in asked for name in re.findall(r"relay_\w+", text)}
    assert len(used) > 10
    assert used - known == set()


def test_the_dashboard_shows_every_metric() -> None:
    shown = " ".join(expressions(DASHBOARD))
    assert [family.name for family in FAMILIES if family.name not in shown] == []


def expressions(document: Path) -> list[str]:
    if document is RULES:
        [group] = yaml.safe_load(RULES.read_text())["groups"]
        return [rule["expr"] for rule in group["rules"]]
    panels = json.loads(document.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_the_document_is_made_of_the_code() -> None:
    """`python -m relay.metrics > docs/metrics.md` makes it."""
    assert (ROOT / "docs/metrics.md").read_text() == reference()


def test_operating_has_an_answer_to_every_alert() -> None:
    text = (ROOT / "docs/operating.md").read_text()
    assert [alert for alert in FAILURES if f"`{alert}`" not in text] == []
