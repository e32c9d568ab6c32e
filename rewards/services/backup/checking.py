"""Checks a backup without restoring it: every file is there, is what it was, and the dump can be read."""

from pathlib import Path

from rewards.services.backup.errors import BrokenBackupError, ProgramFailedError
from rewards.services.backup.making import missing_evidence
from rewards.services.backup.manifest import DUMP, EVIDENCE, NAME, Manifest, entry_of, read_manifest
from rewards.services.backup.programs import run


def backup_check(*, folder: Path) -> Manifest:
    """Return the manifest of the backup in `folder`. Needs no database.

    Raises BrokenBackupError with a sentence for each fault.
    """
    manifest = read_manifest(folder)
    faults = [*_faults_of_files(manifest, folder), *_faults_of_dump(manifest, folder)]
    lost = set(missing_evidence(manifest.epochs, folder / EVIDENCE)) - set(manifest.missing_evidence)
    faults += [f"the evidence {name} of an epoch is not there" for name in sorted(lost)]
    if faults:
        raise BrokenBackupError(folder=str(folder), faults=faults)
    return manifest


def _faults_of_files(manifest: Manifest, folder: Path) -> list[str]:
    faults, named = [], {entry.path for entry in manifest.files}
    for entry in manifest.files:
        path = folder / entry.path
        if ".." in Path(entry.path).parts or Path(entry.path).is_absolute():
            faults.append(f"{entry.path} would lie outside the backup")
        elif not path.is_file():
            faults.append(f"{entry.path} is not there")
        elif entry_of(path, folder=folder) != entry:
            faults.append(f"{entry.path} has changed since the backup was made")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {NAME}
    return faults + [f"{path} is not in the manifest" for path in sorted(found - named)]


def _faults_of_dump(manifest: Manifest, folder: Path) -> list[str]:
    if DUMP not in {entry.path for entry in manifest.files}:
        return [f"the manifest names no {DUMP}"]
    try:
        listed = run("pg_restore", "--list", str(folder / DUMP), with_database=False)
    except ProgramFailedError as error:
        return [f"{DUMP} can't be read: {error.said}"]
    held = {
        line.split(" TABLE DATA public ")[1].split(" ")[0]
        for line in listed.splitlines()
        if " TABLE DATA public " in line
    }
    # Of a partitioned table the partitions hold the rows, under names of their own.
    lost = [name for name, rows in manifest.counts.items() if rows and name not in held and not _has_part(name, held)]
    return [f"{DUMP} has no rows of {name}" for name in lost]


def _has_part(name: str, held: set[str]) -> bool:
    return any(each.startswith(f"{name}_") for each in held)
