"""Verification of an evidence bundle: hashes first, then everything recomputed and compared.

Source: docs/spec/evidence.md.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewards.engine import actions, bundle, files, scoring, tables
from rewards.engine.bundle import EVENTS, MANIFEST, MANIFEST_SUM, TERMS, TREE
from rewards.engine.errors import BundleError, EngineError, JsonError
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import canonical_json, parse_strict
from rewards.engine.merkle import Tree
from rewards.engine.scoring import LEAF_TYPES, Result

REQUIRED = (
    TERMS,
    tables.SESSIONS,
    tables.MAKERS,
    tables.PAYOUTS,
    tables.CARRIED_IN,
    tables.CARRIED_OUT,
    EVENTS,
    tables.SCORES,
    tables.ALLOCATIONS,
)
VERSIONS = (1, *sorted(set(bundle.OPTIONAL.values())))
_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "version": int,
    "program": str,
    "epoch": int,
    "chain_id": int,
    "distributor": str,
    "venue": dict,
    "from_block": int,
    "to_block": int,
    "to_block_hash": str,
    "time_source": str,
    "engine_version": str,
    "root": (str, type(None)),
    "previous_root": (str, type(None)),
    "files": dict,
}
_HASH = re.compile(r"0x[0-9a-f]{64}")


_MAY_BE_THERE: Mapping[str, type] = {"replaces": str}


@dataclass(frozen=True)
class Difference:
    """The first place at which a bundle says something else than its inputs give. row: a line, key or index."""

    file: str
    row: str
    published: str
    computed: str

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.file}, {self.row}: published {self.published}, computed {self.computed}."


@dataclass(frozen=True)
class Report:
    """What verification found. manifest_hash: SHA-256 of manifest.json, 0x hex.

    audit: where the manifest says that the audit log stood, sequence and hash; None where it says nothing.
    """

    root: str | None
    manifest_hash: str
    difference: Difference | None
    manifest_sum_checked: bool
    audit: tuple[int, str] | None = None

    @property
    def ok(self) -> bool:
        """Whether all agrees."""
        return self.difference is None

    def lines(self) -> list[str]:
        """The report for people; the root, or `none`, is the last line."""
        found = "all files, scores, allocations and the tree agree" if self.ok else str(self.difference)
        lines = [found, f"manifest hash {self.manifest_hash}"]
        if self.audit is not None:
            lines.append(f"audit log at entry {self.audit[0]}, head {self.audit[1]}")
        if not self.manifest_sum_checked:
            lines.append(f"{MANIFEST_SUM} is missing: compare the manifest hash with the one on the chain")
        return [*lines, self.root or "none"]


def verify_bundle(directory: Path | str) -> Report:
    """Check every hash, recompute everything and compare.

    Raises BundleError, which names the file, when the bundle is unreadable or a hash is wrong.
    """
    folder = files.check_directory(directory)
    raw = files.read_file(folder, MANIFEST)
    manifest = _manifest(raw)
    checked = _check_sum(folder, raw)
    _check_files(folder, manifest["files"])
    try:
        inputs = bundle.read_static(folder)
        _check_canonical(folder, inputs)
        result = scoring.score_batches(inputs, bundle.read_events(folder))
    except EngineError as error:
        raise bundle.in_bundle(error) from error
    difference = next(_differences(folder, manifest, inputs, result), None)
    digest = "0x" + hashlib.sha256(raw).hexdigest()
    head = manifest.get("audit")
    return Report(
        root=result.root, manifest_hash=digest, difference=difference, manifest_sum_checked=checked,
        audit=None if head is None else (head["sequence"], head["hash"]),
    )  # fmt: skip


def _manifest(raw: bytes) -> dict[str, Any]:
    try:
        manifest = parse_strict(raw, document=MANIFEST)
    except JsonError as error:
        raise BundleError(file=MANIFEST, reason=str(error).removesuffix(".")) from error
    if not isinstance(manifest, dict) or canonical_json(manifest) != raw:
        raise BundleError(file=MANIFEST, reason="it is not canonical JSON (keys sorted, no spaces)")
    for name, kind in _FIELDS.items():
        if name not in manifest:
            raise BundleError(file=MANIFEST, reason=f"{name}: the key is missing")
        if not isinstance(manifest[name], kind) or isinstance(manifest[name], bool):
            raise BundleError(file=MANIFEST, reason=f"{name}: the value is of the wrong type")
    for name, kind in _MAY_BE_THERE.items():
        if name in manifest and not isinstance(manifest[name], kind):
            raise BundleError(file=MANIFEST, reason=f"{name}: the value is of the wrong type")
    unknown = sorted(set(manifest) - set(_FIELDS) - set(_MAY_BE_THERE) - {"audit"})
    if unknown:
        raise BundleError(file=MANIFEST, reason=f"{unknown[0]}: the key is unknown")
    _check_version(manifest["version"], manifest["files"])
    if "audit" in manifest and not _names_a_head(manifest["audit"]):
        reason = (
            "audit: it has to hold sequence, a whole number from 1, and hash, 0x and 64 hex digits, and nothing else"
        )
        raise BundleError(file=MANIFEST, reason=reason)
    return manifest


def _names_a_head(audit: Any) -> bool:
    """Tell whether this is where an audit log stood. Bundles from before there was one have none."""
    if not isinstance(audit, dict) or set(audit) != {"sequence", "hash"}:
        return False
    sequence, link = audit["sequence"], audit["hash"]
    return type(sequence) is int and sequence >= 1 and isinstance(link, str) and bool(_HASH.fullmatch(link))


def _check_version(version: int, files: Mapping[str, Any]) -> None:
    if version not in VERSIONS:
        raise BundleError(file=MANIFEST, reason="version: only the versions 1 and 2 are known")
    if version != bundle.version_of(files):
        reason = f"version: it is {version} and files such as these are of version {bundle.version_of(files)}"
        raise BundleError(file=MANIFEST, reason=reason)
    if (tables.VAULTS in files) != (tables.HOLDERS in files):
        raise BundleError(
            file=MANIFEST, reason=f"files: {tables.VAULTS} and {tables.HOLDERS} stand together or not at all"
        )


def _check_sum(folder: Path, raw: bytes) -> bool:
    """Compare the manifest with its check sum, when that is there; return whether it is."""
    if not files.is_there(folder, MANIFEST_SUM):
        return False
    expected = f"{hashlib.sha256(raw).hexdigest()}  {MANIFEST}\n".encode()
    if files.read_file(folder, MANIFEST_SUM) != expected:
        reason = f"it is not what {MANIFEST_SUM} says, so one of the two was changed"
        raise BundleError(file=MANIFEST, reason=reason)
    return True


def _check_files(folder: Path, hashes: Mapping[str, Any]) -> None:
    """Check the hash of every file that the manifest names, and that it names every file that there is."""
    for name in hashes:
        if name in ("", ".", "..") or not {"/", "\0"}.isdisjoint(name):
            raise BundleError(file=MANIFEST, reason=f"files: {name!r} is not the name of a file of the bundle")
    for name in REQUIRED:
        if name not in hashes:
            raise BundleError(file=name, reason=f"{MANIFEST} does not name it")
    for name in sorted(each.name for each in folder.iterdir()):
        if name not in hashes and name not in (MANIFEST, MANIFEST_SUM):
            raise BundleError(file=name, reason=f"it is there and {MANIFEST} does not name it")
    for name in sorted(hashes):
        found = files.hash_file(folder, name)
        if found != hashes[name]:
            reason = f"its SHA-256 is {found} and {MANIFEST} says {hashes[name]}"
            raise BundleError(file=name, reason=reason)


def _check_canonical(folder: Path, inputs: Inputs) -> None:
    if files.read_file(folder, TERMS) != inputs.terms.canonical:
        raise BundleError(file=TERMS, reason="it is not canonical JSON (keys sorted, no spaces)")


def _differences(folder: Path, manifest: Mapping[str, Any], inputs: Inputs, result: Result) -> Iterator[Difference]:
    computed = bundle.output_files(result)
    for name in (tables.SCORES, tables.ALLOCATIONS, tables.CARRIED_OUT):
        yield from _line_differences(name, files.read_file(folder, name), computed[name])
    yield from _tree_differences(folder, result)
    yield from _action_differences(folder, inputs)
    previous_root = Tree.from_leaves(inputs.previous, LEAF_TYPES).root if inputs.previous else None
    for key, value in (
        ("root", result.root),
        ("previous_root", previous_root),
        ("program", inputs.terms.program),
        ("epoch", inputs.terms.epoch.number),
    ):
        if manifest[key] != value:
            yield Difference(MANIFEST, key, _said(manifest[key]), _said(value))


def _action_differences(folder: Path, inputs: Inputs) -> Iterator[Difference]:
    """Hold what people entered against the inputs that it is said to have changed."""
    if not files.is_there(folder, tables.ACTIONS):
        return
    entered = tables.read_actions(files.read_file(folder, tables.ACTIONS))
    epoch = inputs.terms.epoch
    found = actions.differences(
        entered,
        splits=inputs.splits,
        sessions=inputs.sessions,
        toggles=bundle.read_toggles(folder) if entered else {},
        start_ms=epoch.start_ms,
        end_ms=epoch.end_ms,
    )
    for row, said, held in found:
        yield Difference(tables.ACTIONS, row, said, held)


def _line_differences(name: str, published: bytes, computed: bytes) -> Iterator[Difference]:
    if published == computed:
        return
    pairs = itertools.zip_longest(published.split(b"\n"), computed.split(b"\n"))
    for line, (theirs, ours) in enumerate(pairs, start=1):
        if theirs != ours:
            yield Difference(name, f"line {line}", _line(theirs), _line(ours))


def _tree_differences(folder: Path, result: Result) -> Iterator[Difference]:
    if result.tree is None:
        if files.is_there(folder, TREE):
            yield Difference(TREE, "the file", "a tree", "none, nothing was ever paid")
        return
    try:
        published = parse_strict(files.read_file(folder, TREE), document=TREE)
    except JsonError as error:
        raise BundleError(file=TREE, reason=error.reason) from error
    computed = result.tree.dump()
    if not isinstance(published, dict) or set(published) != set(computed):
        raise BundleError(file=TREE, reason=f"it has to hold {', '.join(sorted(computed))} and nothing else")
    for key in ("format", "leafEncoding", "values", "tree"):
        if published[key] != computed[key]:
            yield _json_difference(key, published[key], computed[key])


def _json_difference(key: str, published: Any, computed: Any) -> Difference:
    if isinstance(published, list) and isinstance(computed, list):
        for index, (theirs, ours) in enumerate(itertools.zip_longest(published, computed)):
            if theirs != ours:
                return Difference(TREE, f"{key}[{index}]", _said(theirs), _said(ours))
    return Difference(TREE, key, _said(published), _said(computed))


def _line(line: bytes | None) -> str:
    return "nothing" if not line else line.decode("utf-8", "replace").rstrip("\r")


def _said(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else canonical_json(value).decode()
