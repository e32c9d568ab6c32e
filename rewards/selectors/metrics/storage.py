"""How much room things take: the database and its large tables, the disk that evidence is on, and backups' age."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from onchain.models import Block, MarketEvent, RawLog
from rewards.models import LastDone, QuoteCells, Score
from rewards.selectors.metrics.families import gauge, gauges

LARGE = tuple(model._meta.db_table for model in (RawLog, MarketEvent, Block, QuoteCells, Score))
"""Tables that grow with the chain; the first two are partitioned."""
_SIZES = """
    SELECT root.relname, sum(pg_total_relation_size(part.relid))::bigint,
           count(*) FILTER (WHERE part.isleaf AND part.relid <> root.oid)
    FROM pg_class root, LATERAL pg_partition_tree(root.oid) part
    WHERE root.relname = ANY (%s) AND root.relnamespace = 'public'::regnamespace
    GROUP BY root.relname
    UNION ALL
    SELECT relname, pg_total_relation_size(oid), 0 FROM pg_class
    WHERE relname = ANY (%s) AND relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace
"""


class Storage(Collector):
    """Of the database as a whole; disks are this process's."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the families, in three queries."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            whole = int(cursor.fetchone()[0])
            cursor.execute(_SIZES, [list(LARGE), list(LARGE)])
            rows = cursor.fetchall()
        yield gauge("database_size_bytes", "Size of the whole database.", whole)
        yield gauges("table_size_bytes", "Size of a table that grows with the chain, with its indexes.", ("table",),
                     {(name,): int(size) for name, size, _ in rows})  # fmt: skip
        yield gauges("table_partitions", "Partitions of a table.", ("table",),
                     {(name,): int(parts) for name, _, parts in rows if parts})  # fmt: skip
        yield from _disk()
        made = LastDone.objects.filter(what="backup").first()
        age_s = None if made is None else max(0, int((self._now - made.at).total_seconds()))
        yield gauges("backup_age_seconds", "Seconds since the newest backup was finished.", (), {(): age_s})


def _disk() -> Iterator[Metric]:
    folder = Path(settings.EVIDENCE_DIR)
    try:
        usage = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists()))
    except OSError:
        return
    yield gauge("evidence_disk_free_bytes", "Room that is left where evidence is written.", usage.free)
    yield gauge("evidence_disk_size_bytes", "Size of that disk.", usage.total)
