"""Counts requests and tasks in this process's memory, and adds the counts to the database every few seconds.

So any process answers /metrics for all of them, on however many machines, and no counter falls back at a restart.
"""

import logging
import os
import socket
import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from rewards.models import ProcessSeen, Tally
from rewards.models.tallies import BOUNDS_US
from rewards.services.news import readers_open

logger = logging.getLogger(__name__)
METHODS: Final = frozenset({"GET", "HEAD", "POST"})
OTHER: Final = "other"
SEEN_FOR: Final = timedelta(days=1)
# Element by element: both arrays have one entry a bucket.
_ADD = """
    INSERT INTO rewards_tally AS t (kind, name, method, outcome, count, total_us, buckets)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (kind, name, method, outcome) DO UPDATE SET
        count = t.count + excluded.count, total_us = t.total_us + excluded.total_us,
        buckets = ARRAY(SELECT a + b FROM unnest(t.buckets, excluded.buckets) WITH ORDINALITY AS u (a, b, i) ORDER BY i)
"""

Key = tuple[str, str, str, str]
"""kind, name, method, outcome."""


@dataclass(slots=True)
class _Count:
    count: int = 0
    total_us: int = 0
    buckets: list[int] = field(default_factory=list)

    def add(self, other: "_Count") -> None:
        """Take another count into this one."""
        self.count += other.count
        self.total_us += other.total_us
        mine = self.buckets or [0] * len(other.buckets)
        self.buckets = [a + b for a, b in zip(mine, other.buckets, strict=True)]


class Tallies:
    """What this process has counted and not stored yet; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Key, _Count] = {}
        self._kind = ""
        self._keeper: threading.Thread | None = None
        self._over = threading.Event()

    def request(self, *, route: str, method: str, status: int, took_us: int) -> None:
        """Count a request that has been answered."""
        key = (Tally.Kind.REQUEST, route[:120], method if method in METHODS else OTHER, f"{status // 100}xx")
        self._count(key, took_us)

    def task(self, *, name: str, outcome: str, took_us: int) -> None:
        """Count a task's run. outcome: succeeded, failed or retried."""
        self._count((Tally.Kind.TASK, name[:120], "", outcome), took_us)

    def store(self, *, now: datetime) -> None:
        """Add what was counted to the database, and say that this process is up. Never raises the database's errors."""
        with self._lock:
            counts, self._counts, kind = self._counts, {}, self._kind
        if not kind:
            return
        try:
            with transaction.atomic():
                _add(counts)
                ProcessSeen.objects.filter(seen_at__lt=now - SEEN_FOR).delete()
                ProcessSeen.objects.update_or_create(
                    process=process_name(), defaults={"kind": kind, "streams_open": readers_open(), "seen_at": now}
                )
        except Error as error:
            logger.warning("Counts are kept in memory until the database takes them: %s", error)
            with self._lock:
                for key, count in counts.items():
                    self._counts.setdefault(key, _Count()).add(count)

    def forget(self) -> None:
        """Begin anew: in a process that was forked off, whose parent stores its own."""
        self.__init__()  # type: ignore[misc]

    def _count(self, key: Key, took_us: int) -> None:
        bounds = BOUNDS_US[key[0]]
        one = _Count(1, took_us, [0] * (len(bounds) + 1))
        one.buckets[bisect_left(bounds, took_us)] = 1
        with self._lock:
            self._kind = key[0]
            self._counts.setdefault(key, _Count()).add(one)
            if self._keeper is None and settings.TALLIES_EVERY_S:
                self._keeper = threading.Thread(target=self._keep, name="tallies", daemon=True)
                self._keeper.start()

    def _keep(self) -> None:
        while not self._over.wait(settings.TALLIES_EVERY_S):
            self.store(now=timezone.now())
            # A connection of this thread's own would stand idle most of the time.
            connection.close()


def _add(counts: Mapping[Key, _Count]) -> None:
    with connection.cursor() as cursor:
        # In one order for all processes: they wait for each other's rows, and never in a circle.
        for key, count in sorted(counts.items()):
            cursor.execute(_ADD, [*key, count.count, count.total_us, count.buckets])


def process_name() -> str:
    """Return what this process is called in the tables: its host and number."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}"


tallies: Final = Tallies()
"""This process's."""
os.register_at_fork(after_in_child=tallies.forget)


def store_at_the_end() -> None:
    """Store what is left when a worker ends; a web process ends by the signal, and loses a few seconds."""
    if settings.TALLIES_EVERY_S:
        tallies.store(now=timezone.now())
