"""Evidence into the archive, file by file as its manifest names them, and back."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from config import failpoints
from rewards.engine.evidence import verify_bundle
from rewards.errors import ArchiveError
from rewards.models import ArchivedEvidence
from rewards.selectors.evidence import evidence_folder, evidence_paths
from rewards.services.archive.needed import evidence_names
from rewards.services.archive.store import Archive, sha256_of

MANIFEST = "manifest.json"
SUMS = "manifest.sha256"


def evidence_archive(store: Archive, *, now: datetime) -> list[str]:
    """Put all evidence of closed epochs that is not there yet into the archive; returns the folders' names.

    Each is recorded once every file of it was read back and is what the manifest says. Raises ArchiveError.
    """
    known = set(ArchivedEvidence.objects.values_list("evidence_name", flat=True))
    names = [name for name in evidence_names() if name not in known]
    for name in names:
        _archive(store, name, now)
    return names


def evidence_check(store: Archive, *, row: ArchivedEvidence) -> None:
    """Read an archived folder whole and compare it with its manifest. Raises ArchiveError naming what differs."""
    place = f"evidence/{row.evidence_name}"
    for name, digest in _listed(store.read(f"{place}/{MANIFEST}"), row.manifest_hash, store.url_of(place)).items():
        if store.sha256(f"{place}/{name}") != digest:
            raise ArchiveError(where=store.url_of(f"{place}/{name}"), reason="it is not what the manifest names")


def evidence_fetch(store: Archive, *, row: ArchivedEvidence, into: Path) -> Path:
    """Fetch a folder of evidence, verify it with the engine, and return it. Raises ArchiveError."""
    place, target = f"evidence/{row.evidence_name}", into / row.evidence_name
    if target.exists():
        raise ArchiveError(where=str(target), reason="there is something already; name another folder")
    into.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".fetching-", dir=into))
    try:
        manifest = store.read(f"{place}/{MANIFEST}")
        for name, digest in _listed(manifest, row.manifest_hash, store.url_of(place)).items():
            store.get(f"{place}/{name}", fresh / name, sha256=digest)
        (fresh / MANIFEST).write_bytes(manifest)
        (fresh / SUMS).write_bytes(f"{row.manifest_hash[2:]}  {MANIFEST}\n".encode())
        report = verify_bundle(fresh)
        if not report.ok:
            raise ArchiveError(where=store.url_of(place), reason=" ".join(report.lines()))
        fresh.chmod(0o755)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _archive(store: Archive, name: str, now: datetime) -> None:
    folder = evidence_folder(evidence_name=name)
    if folder is None:
        raise ArchiveError(where=f"the evidence {name}", reason="it is not on this machine (EVIDENCE_DIR)")
    manifest = (folder / MANIFEST).read_bytes()
    manifest_hash = "0x" + hashlib.sha256(manifest).hexdigest()
    for path_name, digest in _listed(manifest, manifest_hash, str(folder)).items():
        if sha256_of(folder / path_name) != digest:
            raise ArchiveError(where=str(folder / path_name), reason="it is not what the manifest names")
        store.put(folder / path_name, f"evidence/{name}/{path_name}")
        failpoints.hit("archive.file_put")
    # Last: a folder without a manifest is no evidence to anybody.
    store.put(folder / SUMS, f"evidence/{name}/{SUMS}")
    store.put(folder / MANIFEST, f"evidence/{name}/{MANIFEST}")
    failpoints.hit("archive.evidence_put")
    size = sum(path.stat().st_size for path in evidence_paths(folder=folder))
    ArchivedEvidence.objects.get_or_create(
        evidence_name=name,
        defaults={
            "url": store.url_of(f"evidence/{name}"), "manifest_hash": manifest_hash, "size_bytes": size,
            "archived_at": now,
        },
    )  # fmt: skip


def _listed(manifest: bytes, manifest_hash: str, where: str) -> Mapping[str, str]:
    """Return the files that a manifest names with their SHA-256."""
    if "0x" + hashlib.sha256(manifest).hexdigest() != manifest_hash:
        raise ArchiveError(where=f"{where}/{MANIFEST}", reason=f"its hash is not {manifest_hash}")
    files = json.loads(manifest)["files"]
    return {name: str(digest).removeprefix("0x") for name, digest in sorted(files.items())}
