"""Reads /metrics as Prometheus does."""

from collections.abc import Callable

from django.test import Client
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def page() -> str:
    """What the address answers."""
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    return answer.content.decode()


def families(text: str | None = None) -> dict[str, Metric]:
    """The families by name."""
    return {family.name: family for family in text_string_to_metric_families(text or page())}


def read() -> Callable[..., float | None]:
    """Scrape once; gives a function that returns a sample by name and labels, None where there is none."""
    found = samples()
    return lambda name, **labels: found.get((name, frozenset(labels.items())))


def samples() -> Samples:
    """Every sample by name and labels."""
    return {(s.name, frozenset(s.labels.items())): s.value for family in families().values() for s in family.samples}
