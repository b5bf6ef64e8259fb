"""What Prometheus makes of /metrics."""

from prometheus_client.parser import text_string_to_metric_families


def samples(text: str) -> dict[str, float]:
    """The value of each sample, by its name and the values of its labels: `relay_opens_total sse`."""
    return {
        " ".join([sample.name, *(sample.labels[name] for name in sorted(sample.labels))]): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names(text: str) -> set[str]:
    """The names of all samples, as a query may use them."""
    return {key.split(" ")[0] for key in samples(text)}
