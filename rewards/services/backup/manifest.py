"""What a backup says of itself: manifest.json with every file's size and SHA-256, counts, releases, newest block."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rewards.services.backup.errors import BrokenBackupError

VERSION = 1
NAME = "manifest.json"
DUMP = "database.dump"
EVIDENCE, PROOFS = "evidence", "proofs"
PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the backup. path: from the backup's folder, with slashes."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything in manifest.json. All of the database is as of one snapshot, that of the dump.

    made_at: ISO, UTC. postgres: the server's version number. roles: {"owner", "application"}. migrations: app to the
    name of its last one. counts: table to rows. chains: chain id to {"block", "hash", "final"}. epochs: each
    {"program", "number", "state", "root", "evidence"}. audit: {"sequence", "hash"} of the log's last entry, or None.
    missing_evidence: folders that epochs name and that were not there (archived elsewhere, or lost).
    """

    version: int
    made_at: str
    postgres: int
    roles: dict[str, str]
    migrations: dict[str, str]
    counts: dict[str, int]
    chains: dict[str, dict[str, Any]]
    epochs: list[dict[str, Any]]
    audit: dict[str, Any] | None
    missing_evidence: list[str]
    files: list[Entry]

    def write(self, folder: Path) -> str:
        """Write it into `folder`; returns the SHA-256 of what was written, to be kept elsewhere."""
        content = json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"
        (folder / NAME).write_bytes(content)
        return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read it. Raises BrokenBackupError when it is not there or not one of ours."""
    try:
        fields = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if fields["version"] != VERSION:
            raise BrokenBackupError(folder=str(folder), faults=[f"it has version {fields['version']}, not {VERSION}"])
        return Manifest(**{**fields, "files": [Entry(**each) for each in fields["files"]]})
    except OSError as error:
        raise BrokenBackupError(folder=str(folder), faults=[f"{NAME} can't be read ({error.strerror})"]) from error
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenBackupError(folder=str(folder), faults=[f"{NAME} is not a backup's manifest ({error})"]) from error


def entry_of(path: Path, *, folder: Path) -> Entry:
    """Return the entry of the file at `path` inside `folder`, read piece by piece."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return Entry(path=path.relative_to(folder).as_posix(), bytes=size, sha256=digest.hexdigest())
