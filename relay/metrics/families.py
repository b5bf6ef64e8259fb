"""Families: every metric there is, by prometheus-client. docs/metrics.md is made of this table.

With PROMETHEUS_MULTIPROC_DIR set, as gunicorn.conf.py does, each process keeps its numbers in files there,
and whichever is asked answers for all. So that must be set before this is imported.
"""

import os
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, exposition, values
from prometheus_client.multiprocess import MultiProcessCollector

from relay.metrics.directory import VARIABLE
from relay.metrics.reference import COUNTER, DURATIONS, FAMILIES, GAUGE, HISTOGRAM, Family

if VARIABLE not in os.environ:
    # gunicorn's master may have loaded it for many processes, and this one has no place among them.
    values.ValueClass = values.MutexValue

_REGISTRY = CollectorRegistry()


class Text(NamedTuple):
    """An answer to Prometheus."""

    body: bytes
    content_type: str


class Metrics:
    """The numbers of this process."""

    def __init__(self) -> None:
        # What was passed on of each counter so far.
        self._passed: dict[tuple[str, ...], float] = {}

    def advance(self, name: str, total: float, *labels: str) -> None:
        """A counter of ours stands at this total."""
        key = (name, *labels)
        more = total - self._passed.get(key, 0.0)
        if more > 0:
            self._passed[key] = total
            counter = _COUNTERS[name]
            (counter.labels(*labels) if labels else counter).inc(more)

    def set(self, name: str, value: float, *labels: str) -> None:
        """A gauge stands at this value."""
        gauge = _GAUGES[name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def observe(self, name: str, values: Iterable[float]) -> None:
        """A histogram has these values more."""
        observe = _HISTOGRAMS[name].observe
        for value in values:
            observe(value)


def text(accept: str = "") -> Text:
    """All metrics of all processes, in the format that an Accept header asks for."""
    registry = _REGISTRY
    if os.environ.get(VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = exposition.choose_encoder(accept)
    return Text(encode(registry), content_type)


def _counter(family: Family) -> Counter:
    return Counter(family.name, family.help, family.labels, registry=_REGISTRY)


def _gauge(family: Family) -> Gauge:
    name, text, labels, among = family.name, family.help, family.labels, family.among
    return Gauge(name, text, labels, registry=_REGISTRY, multiprocess_mode=among)


def _histogram(family: Family) -> Histogram:
    return Histogram(family.name, family.help, registry=_REGISTRY, buckets=DURATIONS)


_COUNTERS = {family.name: _counter(family) for family in FAMILIES if family.kind == COUNTER}
_GAUGES = {family.name: _gauge(family) for family in FAMILIES if family.kind == GAUGE}
_HISTOGRAMS = {family.name: _histogram(family) for family in FAMILIES if family.kind == HISTOGRAM}

# A counter that is there from the beginning is seen to go from 0 to 1.
for _family in FAMILIES:
    if _family.kind == COUNTER:
        for _value in _family.values:
            _COUNTERS[_family.name].labels(_value)
