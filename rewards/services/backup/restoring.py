"""Restores a backup on an empty machine: database, evidence and proofs, then the rights of the two roles."""

import shutil
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections

from audit.owner import as_owner
from audit.rights import faults
from rewards.services.backup.checking import backup_check
from rewards.services.backup.errors import BrokenBackupError, HalfRestoredError, NotEmptyError, UnfitError
from rewards.services.backup.facts import table_counts, unknown_migrations
from rewards.services.backup.manifest import DUMP, EVIDENCE, PROOFS, Manifest
from rewards.services.backup.programs import run

_THINGS = """
    SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""


def backup_restore(*, folder: Path, using: str = DEFAULT_DB_ALIAS) -> Manifest:
    """Restore the backup in `folder` into the empty database and folders of the settings; returns its manifest.

    Nothing may run on that database. It is restored in one transaction, so that a failure of that leaves it empty. A
    folder that can't be filled afterwards leaves it full: then it has to be emptied before the next try.
    At the end it is migrated to this release, which also gives the application's role its rights. Call it where
    MIGRATE_DATABASE_URL is set.

    Raises BrokenBackupError, HalfRestoredError, NotEmptyError, UnfitError, ProgramFailedError, ProgramMissingError.
    """
    manifest = backup_check(folder=folder)
    with as_owner(using=using):
        _refuse_unfit(manifest, using=using)
        run("pg_restore", "--single-transaction", "--no-owner", str(folder / DUMP), using=using)
        _compare(manifest, folder, using=using)
    _copy(folder)
    call_command("migrate", verbosity=0, database=using)
    with as_owner(using=using), connections[using].cursor() as cursor:
        cursor.execute("ANALYZE")
    return manifest


def rights_faults() -> list[str]:
    """Return what the application's role may do and should not, in the restored database; one sentence each."""
    return faults()


def _homes() -> dict[str, Path]:
    return {EVIDENCE: Path(settings.EVIDENCE_DIR), PROOFS: Path(settings.PROOFS_DIR)}


def _copy(folder: Path) -> None:
    for name, home in _homes().items():
        try:
            shutil.copytree(folder / name, home, dirs_exist_ok=True)
        except OSError as error:
            raise HalfRestoredError(path=str(home), reason=str(error)) from error


def _refuse_unfit(manifest: Manifest, *, using: str) -> None:
    for home in _homes().values():
        if home.is_dir() and any(home.iterdir()):
            raise NotEmptyError(what=f"The folder {home}")
    if unknown := unknown_migrations(manifest.migrations):
        raise UnfitError(
            reason=f"The backup is of a newer release: this one does not know {', '.join(unknown)}.",
            way_on="Restore it with the release that made it, or a newer one.",
        )
    with connections[using].cursor() as cursor:
        cursor.execute(_THINGS)
        if cursor.fetchone()[0]:
            raise NotEmptyError(what=f"The database {connections[using].settings_dict['NAME']}")
        cursor.execute("SELECT current_setting('server_version_num')::int, current_user")
        server, owner = cursor.fetchone()
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(manifest.roles.values())])
        there = {name for (name,) in cursor.fetchall()}
    if server // 10_000 < manifest.postgres // 10_000:
        raise UnfitError(
            reason=f"The backup is of PostgreSQL {manifest.postgres // 10_000}, and this server is {server // 10_000}.",
            way_on=f"Use PostgreSQL {manifest.postgres // 10_000} or newer.",
        )
    if there != set(manifest.roles.values()) or owner != manifest.roles["owner"]:
        raise UnfitError(
            reason=f"The backup's rights are those of the roles {' and '.join(manifest.roles.values())}.",
            way_on="Make both, have the first own the database and be named in MIGRATE_DATABASE_URL "
            "(docs/security.md), then restore again.",
        )


def _compare(manifest: Manifest, folder: Path, *, using: str) -> None:
    found = table_counts(using=using)
    wrong = [
        f"{name} has {found.get(name, 0):,} rows, and the backup was made with {rows:,}"
        for name, rows in manifest.counts.items()
        if found.get(name) != rows
    ]
    if wrong:
        raise BrokenBackupError(folder=str(folder), faults=wrong)
