"""The evidence of an epoch as files on this machine: reads only."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One file of the evidence."""

    name: str
    size_bytes: int


def evidence_files(*, evidence_name: str) -> list[EvidenceFile]:
    """List the files of an epoch's evidence by name; empty when there is none on this machine."""
    folder = evidence_folder(evidence_name=evidence_name)
    if folder is None:
        return []
    return [EvidenceFile(name=path.name, size_bytes=path.stat().st_size) for path in evidence_paths(folder=folder)]


def evidence_folder(*, evidence_name: str) -> Path | None:
    """Return the folder of this name, None when it isn't here."""
    if not evidence_name:
        return None
    base = Path(settings.EVIDENCE_DIR).resolve()
    folder = (base / evidence_name).resolve()
    # The name comes from our own table; still, nothing outside of the evidence is ever served.
    return folder if folder.is_relative_to(base) and folder.is_dir() else None


def evidence_paths(*, folder: Path) -> list[Path]:
    """Return the files of a folder of evidence by name, without hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
