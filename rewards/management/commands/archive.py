"""`manage.py archive`: put evidence and old partitions into the archive, drop what nothing needs, check, bring back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.context import at_work
from audit.owner import as_owner
from onchain.errors import OnchainError, PartitionChangedError
from onchain.locks import try_lock
from onchain.models import ArchivedPartition
from rewards.errors import ArchiveError
from rewards.models import ArchivedEvidence, Epoch
from rewards.services.archive.evidence import evidence_archive, evidence_check, evidence_fetch
from rewards.services.archive.needed import first_needed
from rewards.services.archive.partitions import (
    partition_archive,
    partition_check,
    partition_drop,
    partition_forget,
    partition_restore,
    partitions_to_go,
    restorable_from,
)
from rewards.services.archive.store import Archive, archive


class Command(BaseCommand):
    """Any number of times is as good as once; it can be stopped at any moment."""

    help = "Archive the evidence of closed epochs and the old partitions, and drop partitions that nothing needs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--dry-run", action="store_true", help="only say what would be done")
        group.add_argument("--copy-only", action="store_true", help="archive, and drop nothing")
        group.add_argument("--check", action="store_true", help="read the whole archive and compare it")
        group.add_argument(
            "--fetch", nargs=2, metavar=("PROGRAMME", "EPOCH"), help="fetch an epoch's evidence and verify it"
        )
        group.add_argument("--restore", type=int, metavar="BLOCK", help="bring the rows from this block on back")
        parser.add_argument("--into", type=Path, default=Path(), help="with --fetch: the folder to put it in")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked for, one process at a time."""
        try:
            store = archive()
            # As the owner throughout, where this process knows that role: the lock belongs to the connection.
            with as_owner(), try_lock("archive") as held, at_work(command="archive"):
                if not held:
                    raise CommandError("Another process is at the archive. Try again when it has ended.")
                self._do(store, options)
        except (ArchiveError, OnchainError) as error:
            raise CommandError(str(error)) from error

    def _do(self, store: Archive, options: dict[str, Any]) -> None:
        if options["check"]:
            self._check(store)
        elif options["fetch"]:
            self._fetch(store, *options["fetch"], into=options["into"])
        elif options["restore"] is not None:
            self._restore(store, options["restore"])
        else:
            self._run(store, dry=options["dry_run"], dropping=not options["copy_only"])

    def _run(self, store: Archive, *, dry: bool, dropping: bool) -> None:
        if not dry:
            for name in evidence_archive(store, now=timezone.now()):
                self.stdout.write(f"Archived the evidence {name}.")
        needed, going = first_needed(), partitions_to_go()
        self.stdout.write(f"Rows from block {needed.first_block:,} on are needed: {needed.why}.")
        for partition in going:
            if dry:
                self.stdout.write(f"{partition.name} would go.")
                continue
            row = partition_archive(store, partition=partition, now=timezone.now())
            self.stdout.write(f"{partition.name} is archived: {row.rows:,} rows, {row.size_bytes:,} bytes, {row.url}")
            if dropping:
                self._drop(store, partition)
        if not going:
            self.stdout.write("No partition is old enough to go.")

    def _drop(self, store: Archive, partition: Any) -> None:
        try:
            if partition_drop(store, partition=partition, clock=timezone.now):
                self.stdout.write(f"{partition.name} is dropped.")
        except PartitionChangedError as error:
            partition_forget(partition=partition)
            self.stdout.write(str(error))

    def _check(self, store: Archive) -> None:
        wrong = []
        evidence, parts = ArchivedEvidence.objects.all(), ArchivedPartition.objects.all()
        checks: list[Callable[[], None]] = [partial(evidence_check, store, row=row) for row in evidence]
        checks += [partial(partition_check, store, row=row) for row in parts]
        for check in checks:
            try:
                check()
            except ArchiveError as error:
                wrong.append(str(error))
        if wrong:
            raise CommandError("\n".join(wrong))
        self.stdout.write(f"{len(evidence)} folders of evidence and {len(parts)} partitions are as they were archived.")

    def _fetch(self, store: Archive, program: str, number: str, *, into: Path) -> None:
        epoch = Epoch.objects.filter(program__slug=program, number=number).first() if number.isdecimal() else None
        row = ArchivedEvidence.objects.filter(evidence_name=epoch.evidence_name).first() if epoch else None
        if row is None:
            raise CommandError(f"The evidence of epoch {number} of {program} is not in the archive.")
        folder = evidence_fetch(store, row=row, into=into)
        self.stdout.write(f"Fetched and verified: {folder}. Again: python -m rewards.engine verify {folder}")

    def _restore(self, store: Archive, block: int) -> None:
        rows = [row for row in restorable_from(number=0) if row.last_block >= block]
        for row in rows:
            count = partition_restore(store, row=row)
            self.stdout.write(f"{row.parent} from block {row.first_block:,} is back: {count:,} rows.")
        if not rows:
            self.stdout.write(f"Everything from block {block:,} on is here.")
