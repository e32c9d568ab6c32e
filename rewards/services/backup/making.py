"""Makes a backup: a dump of one snapshot of the database, then the evidence and proofs that it names."""

import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from audit.owner import as_owner
from rewards.services.backup.errors import NotWritableError
from rewards.services.backup.facts import database_facts
from rewards.services.backup.manifest import DUMP, EVIDENCE, PROOFS, VERSION, Manifest, entry_of
from rewards.services.backup.programs import run


def backup_make(*, into: Path, now: datetime) -> tuple[Path, str]:
    """Write a backup into a new folder below `into`; returns it and the SHA-256 of its manifest.

    The folder gets its name when all is written, so what has a name is whole. The service may run meanwhile: the dump
    is of one moment, and evidence never changes once it is there. Keys and keystores are no part of it. Call it where
    MIGRATE_DATABASE_URL is set: the application's role may not read all tables.

    Raises NotWritableError, ProgramFailedError, ProgramMissingError.
    """
    name = f"lamplight-{now:%Y%m%dT%H%M%SZ}"
    making = into / f".making-{name}-{os.getpid()}"
    try:
        # It holds what people wrote and how they sign in: nobody else may look.
        making.mkdir(mode=0o700, parents=True)
        facts = _dump(making / DUMP)
        # After the dump: every folder that it names is there by now.
        _copy(Path(settings.EVIDENCE_DIR), making / EVIDENCE)
        _copy(Path(settings.PROOFS_DIR), making / PROOFS)
        manifest = Manifest(
            version=VERSION, made_at=now.isoformat(), files=entries(making),
            missing_evidence=missing_evidence(facts["epochs"], making / EVIDENCE), **facts,
        )  # fmt: skip
        digest = manifest.write(making)
        os.sync()
        making.rename(into / name)
    except OSError as error:
        raise NotWritableError(path=str(into / name), reason=error.strerror or type(error).__name__) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return into / name, digest


def entries(folder: Path) -> list[Any]:
    """Return the entries of all files below `folder`, by path."""
    return [entry_of(path, folder=folder) for path in sorted(folder.rglob("*")) if path.is_file()]


def missing_evidence(epochs: Iterable[dict[str, Any]], folder: Path) -> list[str]:
    """Return the evidence that epochs name and that is not in `folder`."""
    return sorted(
        epoch["evidence"] for epoch in epochs if epoch["evidence"] and not (folder / epoch["evidence"]).is_dir()
    )


def _dump(path: Path, *, using: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    """Dump the database and return what the manifest says of it: both see the same snapshot."""
    with as_owner(using=using), transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # Pages' and tasks' limits; this transaction lasts as long as the dump.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        run(
            "pg_dump",
            "--format=custom",
            f"--snapshot={snapshot}",
            "--lock-wait-timeout=60s",
            f"--file={path}",
            using=using,
        )
        return database_facts(using=using)


def _copy(source: Path, target: Path) -> None:
    """Copy every finished folder of `source`; what is being written has a name that begins with a dot."""
    target.mkdir()
    if not source.is_dir():
        return
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file():
            continue
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, target / inside)
        except FileNotFoundError:
            # Packs of a root that pays no more are thrown away; they can be made again from the database.
            (target / inside).unlink(missing_ok=True)
