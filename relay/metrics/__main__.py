"""`python -m relay.metrics`: prints docs/metrics.md."""

from relay.metrics.reference import DURATIONS, FAMILIES, GAUGE, Family

_HEAD = """# Metrics

`GET /metrics` of a worker answers for all workers of its gunicorn, as Prometheus' text or as OpenMetrics.
A listener answers at a port of its own, `METRICS_PORT` on `HOST`; without it, not at all.
Who may ask: whoever shows a token of `OPERATOR_TOKENS` (`Authorization: Bearer …`); without any, this
machine.

`PROMETHEUS_MULTIPROC_DIR` names where workers keep their numbers. Unset, gunicorn's master makes a temporary
directory, and takes it away when it ends. One that is named is emptied at the start: give it to one gunicorn
alone. Numbers are passed on once a second. `METRICS=0` turns all of it off.

Every label has a few values, which are listed in the code: no symbol, address or client is one.
[alerts.yml](../deploy/prometheus/alerts.yml) has alerts, [dashboard.json](../deploy/grafana/dashboard.json)
a dashboard; [Operating](operating.md) says what to do.

| name | kind | labels | of several processes | meaning |
|---|---|---|---|---|"""
_AMONG = {"livesum": "sum", "livemax": "largest", "livemin": "least"}


def main() -> None:
    """Prints it."""
    print(reference(), end="")


def reference() -> str:
    """The document."""
    bounds = ", ".join(f"{bound:g}" for bound in DURATIONS)
    rows = "\n".join(map(_row, FAMILIES))
    tail = f"A histogram has `_bucket`, `_sum` and `_count`; its buckets end at {bounds} s."
    return f"{_HEAD}\n{rows}\n\n{tail}\n"


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    among = _AMONG[family.among] if family.kind == GAUGE else "sum"
    return f"| `{family.name}` | {family.kind} | {labels} | {among} | {family.help} |"


if __name__ == "__main__":
    main()
