"""Published bundles to check and to break: a vector's inputs with outputs and manifest, and the command line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from rewards.engine import __main__, evidence, scoring

VECTORS = Path(__file__).parents[1] / "vectors" / "bundles"
# It has a previous tree, makers who are paid and who are carried, and several markets and accounts.
WITH_EVERYTHING = "22"
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
