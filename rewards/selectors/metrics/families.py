"""How rows become a family of samples."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily

Value = int | float | bool
Key = TypeVar("Key", bound=tuple[str, ...])


def gauge(name: str, text: str, value: Value) -> GaugeMetricFamily:
    """Return a family of one sample without labels. name: without the prefix that all of ours have."""
    return GaugeMetricFamily(f"lamplight_{name}", text, value=float(value))


def gauges(name: str, text: str, labels: Iterable[str], rows: Mapping[Key, Value | None]) -> GaugeMetricFamily:
    """Return a family with a sample for every row that has a value; rows: values by the labels' values."""
    family = GaugeMetricFamily(f"lamplight_{name}", text, labels=list(labels))
    for key, value in rows.items():
        if value is not None:
            family.add_metric(list(key), float(value))
    return family
