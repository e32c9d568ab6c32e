"""Partitions into the archive, out of the database, and back: each step can be killed and done again."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from audit.owner import as_owner
from config import failpoints
from onchain.archive import Partition, bring_back, drop, partitions, rows_in, table_bytes, write_out
from onchain.models import ArchivedPartition
from rewards.errors import ArchiveError
from rewards.services.archive.needed import contracts_for_ever, may_go
from rewards.services.archive.store import Archive


def partition_archive(store: Archive, *, partition: Partition, now: datetime) -> ArchivedPartition:
    """Write a partition to the archive, read it back, and record it; one that is there already is left as it is.

    Raises ArchiveError.
    """
    known = ArchivedPartition.objects.filter(parent=partition.parent, number=partition.number).first()
    if known is not None:
        return known
    name = _file(partition)
    with tempfile.TemporaryDirectory(prefix="archiving-") as folder:
        path = Path(folder) / "partition.parquet"
        rows = write_out(partition, path)
        failpoints.hit("archive.written_out")
        digest = store.put(path, name)
        failpoints.hit("archive.partition_put")
        row, _ = ArchivedPartition.objects.get_or_create(
            parent=partition.parent, number=partition.number,
            defaults={
                "first_block": partition.first_block, "last_block": partition.last_block, "url": store.url_of(name),
                "rows": rows, "sha256": digest, "size_bytes": path.stat().st_size,
                "table_bytes": table_bytes(partition), "archived_at": now,
            },
        )  # fmt: skip
    failpoints.hit("archive.recorded")
    return row


def partition_drop(store: Archive, *, partition: Partition, clock: Callable[[], datetime]) -> bool:
    """Drop a partition that is in the archive, if nothing needs it now; False if something does.

    Reads the file once more, and looks at what is needed once more. Needs the role that owns the tables. Raises
    ArchiveError, and PartitionChangedError when its rows are others by now: forget the record then.
    """
    if settings.DATABASE_OWNER is None:
        raise ArchiveError(where="MIGRATE_DATABASE_URL", reason="only the owner of the tables can drop a partition")
    row = ArchivedPartition.objects.get(parent=partition.parent, number=partition.number)
    partition_check(store, row=row)
    with as_owner(), transaction.atomic():
        locked = ArchivedPartition.objects.select_for_update().get(pk=row.pk)
        if locked.dropped_at is not None or partition not in may_go():
            return False
        drop(partition, rows=locked.rows, sha256=locked.sha256, keeping=contracts_for_ever())
        failpoints.hit("archive.dropped")
        locked.dropped_at = clock()
        locked.save(update_fields=["dropped_at"])
    failpoints.hit("archive.committed")
    return True


def partition_forget(*, partition: Partition) -> None:
    """Forget that a partition is in the archive, so that the next run writes it again; not one that was dropped."""
    ArchivedPartition.objects.filter(parent=partition.parent, number=partition.number, dropped_at=None).delete()


def partition_check(store: Archive, *, row: ArchivedPartition) -> None:
    """Read an archived partition whole. Raises ArchiveError when it is not what was archived."""
    if store.sha256(_file(_partition(row))) != row.sha256:
        raise ArchiveError(where=row.url, reason="it is not the file that was archived")


def partition_restore(store: Archive, *, row: ArchivedPartition) -> int:
    """Put a dropped partition's rows back into the database; returns how many. Raises ArchiveError."""
    partition = _partition(row)
    with tempfile.TemporaryDirectory(prefix="restoring-") as folder:
        path = Path(folder) / "partition.parquet"
        store.get(_file(partition), path, sha256=row.sha256)
        if rows_in(path) != row.rows:
            raise ArchiveError(where=row.url, reason=f"it has {rows_in(path)} rows, and {row.rows} were archived")
        with transaction.atomic():
            locked = ArchivedPartition.objects.select_for_update().get(pk=row.pk)
            if locked.dropped_at is None:
                return 0
            if (found := bring_back(partition, path)) < row.rows:
                raise ArchiveError(where=row.url, reason=f"of its {row.rows} rows only {found} could be put back")
            locked.dropped_at = None
            locked.save(update_fields=["dropped_at"])
            return row.rows


def partitions_to_go() -> list[Partition]:
    """Return the partitions that nothing needs and that are here, those alone that hold more than is kept for ever."""
    gone = set(ArchivedPartition.objects.filter(dropped_at__isnull=False).values_list("parent", "number"))
    return [each for each in may_go() if (each.parent, each.number) not in gone]


def restorable_from(*, number: int) -> list[ArchivedPartition]:
    """Return the dropped partitions from a number on, the newest first: readers need all later ones, too."""
    return list(ArchivedPartition.objects.filter(dropped_at__isnull=False, number__gte=number).order_by("-number"))


def _partition(row: ArchivedPartition) -> Partition:
    return Partition(row.number, row.parent)


def _file(partition: Partition) -> str:
    return f"partitions/{partition.parent}/{partition.number:08d}.parquet"


__all__ = [
    "partition_archive", "partition_check", "partition_drop", "partition_forget", "partition_restore", "partitions",
    "partitions_to_go", "restorable_from",
]  # fmt: skip
