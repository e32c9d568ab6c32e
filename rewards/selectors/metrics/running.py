"""Queues and who serves them, notices that are overdue, alarms that are open."""

import datetime as dt
from collections.abc import Iterator, Sequence

from django.db.models import Count
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from config.queues import QUEUES, QueueDepth
from onchain.models import Alarm as ChainAlarm
from onchain.models import BackfillRange
from rewards.models import Alarm, WhatIfJob
from rewards.selectors.metrics.families import gauge, gauges
from rewards.selectors.running import RunningView, running_view
from rewards.selectors.running_limits import CANARY_LATE_S

NOBODY_S = 86_400
"""As old as a canary gets: who took none for a day is forgotten."""


class Running(Collector):
    """What the status page's lines say, as numbers."""

    def __init__(self, now: dt.datetime, queues: Sequence[QueueDepth] | None) -> None:
        self._now, self._queues = now, queues

    def collect(self) -> Iterator[Metric]:
        """Yield the families, in eleven queries."""
        view = running_view(now=self._now)
        yield from _queues(self._queues, view)
        for name, text, value in (
            ("review_facts_waiting", "Scored epochs whose flags and statistics are not worked out.",
             view.facts_waiting),
            ("notices_overdue", "Mail and webhooks that are due and not delivered.", view.notices_waiting),
            ("notice_oldest_overdue_seconds", "Seconds that the oldest of them is overdue; 0: none is.",
             view.oldest_notice_age_s or 0),
            ("notices_given_up", "Tellings that were given up within a day.", view.notices_given_up),
            ("backfill_ranges_failing", "Ranges of history that failed at least once and are not done.",
             BackfillRange.objects.filter(done=False, failures__gt=0).count()),
            ("what_ifs_open", "What-ifs that wait for an answer.",
             WhatIfJob.objects.filter(state__in=WhatIfJob.OPEN).count()),
        ):  # fmt: skip
            yield gauge(name, text, value)
        yield _alarms()


def _queues(depths: Sequence[QueueDepth] | None, view: RunningView) -> Iterator[Metric]:
    yield gauge("broker_up", "1 while the queue's broker answers.", depths is not None)
    waiting = {(depth.name,): depth.waiting for depth in depths or ()}
    oldest = {(depth.name,): depth.oldest_s or 0 for depth in depths or () if depth.oldest_s is not None}
    yield gauges("queue_tasks", "Tasks that nobody has taken.", ("queue",), waiting)
    yield gauges("queue_oldest_seconds", "Age of the oldest of them, where the broker knows it (files do).",
                 ("queue",), oldest)  # fmt: skip
    ages = {(queue,): min((each.age_s for each in view.workers if each.queue == queue), default=NOBODY_S)
            for queue in QUEUES}  # fmt: skip
    yield gauges("queue_canary_age_seconds", "Seconds since a worker last took the queue's canary; 86400: none did.",
                 ("queue",), ages)  # fmt: skip
    yield gauges("queue_workers", "Workers that took a canary within two minutes.", ("queue",),
                 {(queue,): sum(each.queue == queue and each.age_s <= CANARY_LATE_S for each in view.workers)
                  for queue in QUEUES})  # fmt: skip


def _alarms() -> Metric:
    rows = {("chain", kind): count for kind, count in ChainAlarm.objects.filter(resolved_at=None)
            .values_list("kind").order_by().annotate(Count("pk"))}  # fmt: skip
    rows |= {("programme", code): count for code, count in Alarm.objects.filter(cleared_at=None)
             .values_list("code").order_by().annotate(Count("pk"))}  # fmt: skip
    return gauges("alarms_open", "Open alarms, each of which needs a person.", ("source", "kind"), rows)
