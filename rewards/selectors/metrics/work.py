"""Requests and tasks of all processes, as they have counted them, and which processes are up."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator

from django.db.models import Count, Sum
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rewards.models import ProcessSeen, Tally
from rewards.models.tallies import BOUNDS_US
from rewards.selectors.metrics.families import gauge, gauges

UP = dt.timedelta(seconds=60)
"""Who has said nothing for so long is not up."""
KIND = Tally.Kind


class Work(Collector):
    """Histograms have no method and no outcome: a few hundred series altogether."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the families, in two queries."""
        tallies = list(Tally.objects.all())
        requests = CounterMetricFamily(
            "lamplight_http_requests", "Requests that were answered.", labels=["route", "method", "status"]
        )
        tasks = CounterMetricFamily("lamplight_tasks", "Runs of tasks that have ended.", labels=["task", "outcome"])
        for each in tallies:
            if each.kind == KIND.REQUEST:
                requests.add_metric([each.name, each.method, each.outcome], each.count)
            else:
                tasks.add_metric([each.name, each.outcome], each.count)
        yield from (requests, tasks)
        for name, label, kind, text in (
            ("lamplight_http_request_duration_seconds", "route", KIND.REQUEST, "What answering took."),
            ("lamplight_task_duration_seconds", "task", KIND.TASK, "What a task took."),
        ):
            yield _histogram(name, text, label, kind, [each for each in tallies if each.kind == kind])
        yield from _processes(self._now)


def _histogram(name: str, text: str, label: str, kind: str, tallies: list[Tally]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=[label])
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    total_us: Counter[str] = Counter()
    for each in tallies:
        counts[each.name].update(dict(enumerate(each.buckets)))
        total_us[each.name] += each.total_us
    bounds = [*(str(bound / 1_000_000) for bound in BOUNDS_US[kind]), "+Inf"]
    for subject, found in counts.items():
        so_far, buckets = 0, []
        for index, bound in enumerate(bounds):
            so_far += found[index]
            buckets.append((bound, float(so_far)))
        family.add_metric([subject], buckets, total_us[subject] / 1_000_000)
    return family


def _processes(now: dt.datetime) -> Iterator[Metric]:
    rows = ProcessSeen.objects.filter(seen_at__gt=now - UP).values_list("kind").order_by()
    found = {kind: (count, streams) for kind, count, streams in rows.annotate(Count("pk"), Sum("streams_open"))}
    names = {KIND.REQUEST: "web", KIND.TASK: "worker"}
    yield gauges("processes_up", "Processes that have said within a minute that they are up.", ("kind",),
                 {(name,): found.get(kind, (0, 0))[0] for kind, name in names.items()})  # fmt: skip
    yield gauge("streams_open", "Live scorecards that are open, in all of them.",
                sum(streams for _, streams in found.values()))  # fmt: skip
