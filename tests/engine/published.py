"""Published bundles to check and to break: a vector's inputs with outputs and manifest, and the command line."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from rewards.engine import __main__, evidence, scoring

VECTORS = Path(__file__).parents[1] / "vectors" / "bundles"
# It has a previous tree, makers who are paid and who are carried, and several markets and accounts.
WITH_EVERYTHING = "22"
MANIFEST, MANIFEST_SUM = "manifest.json", "manifest.sha256"
OUTPUTS = ("scores.csv", "allocations.csv", "carried_out.csv", "tree.json")
INPUTS = ("terms.json", "sessions.csv", "makers.csv", "payouts.csv", "carried_in.csv", "events.parquet")
SENTENCE = re.compile(r"[^\n]+[.]\n")


def copy_inputs(directory: Path, vector: str = WITH_EVERYTHING) -> Path:
    """Copies a vector's inputs."""
    shutil.copytree(VECTORS / vector, directory, ignore=shutil.ignore_patterns("expected.json"))
    return directory


def publish(directory: Path, vector: str = WITH_EVERYTHING) -> Path:
    """Makes a whole bundle of a vector, as the service publishes one."""
    copy_inputs(directory, vector)
    inputs = evidence.read_inputs(directory)
    result = scoring.score(inputs)
    evidence.write_outputs(directory, inputs, result)
    seal(directory, inputs, result.root)
    return directory


def seal(directory: Path, inputs: evidence.Inputs, root: str | None) -> None:
    """Writes the manifest and its check sum over all that is there."""
    previous = scoring.Tree.from_leaves(inputs.previous, scoring.LEAF_TYPES).root if inputs.previous else None
    fields = evidence.ManifestFields(
        program=inputs.terms.program,
        epoch=inputs.terms.epoch.number,
        chain_id=31337,
        distributor="0x" + "d" * 40,
        venue={"adapter": "lamplight", "contracts": ["0x" + "e" * 40]},
        from_block=1,
        to_block=99,
        to_block_hash="0x" + "f" * 64,
        time_source="block",
        root=root,
        previous_root=previous,
    )
    evidence.write_manifest(directory, fields)


def run_engine(*arguments: object) -> int:
    """Runs the command line in this process; gives its exit status."""
    return __main__.main([str(argument) for argument in arguments])


def refused(capsys: pytest.CaptureFixture[str], file: str, *says: str) -> None:
    """Nothing but one sentence, which names the file, was printed."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert SENTENCE.fullmatch(printed.err), printed.err
    assert printed.err.startswith(f"{file}: "), printed.err
    assert all(word in printed.err for word in says), printed.err


def restore_hashes(bundle: Path) -> None:
    """Let the manifest name the files as they are now, as a careless or dishonest publisher would."""
    manifest = json.loads((bundle / MANIFEST).read_text())
    for name in manifest["files"]:
        if (bundle / name).is_file():
            manifest["files"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
    write_manifest(bundle, manifest)


def write_manifest(bundle: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest and its check sum."""
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (bundle / MANIFEST).write_bytes(raw)
    (bundle / MANIFEST_SUM).write_text(f"{hashlib.sha256(raw).hexdigest()}  {MANIFEST}\n")
