"""Without a line that defends a guarantee a test fails: one for each guarantee; `make mutate-contracts` runs all."""

import subprocess
import sys
from pathlib import Path

from onchain.contracts.build import SOURCES
from tests.contracts.mutate import mutated
from tests.contracts.mutations import MUTATIONS

SAMPLE = ("no cap", "no delay", "the guardian vetoes what is active", "claimed twice", "waiting money is claimable")


def test_a_sample_of_mutations_is_caught():
    assert {mutation.guarantee for mutation in MUTATIONS if mutation.name in SAMPLE} == {1, 2, 3, 4, 5}
    command = [sys.executable, "-W", "ignore", "-m", "tests.contracts.mutate", "--only", *SAMPLE]
    done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(SAMPLE)} of {len(SAMPLE)} mutations were caught" in done.stdout


def test_every_mutation_has_its_place_in_the_source():
    source = (SOURCES / "rewards_distributor.vy").read_text("utf-8")
    assert len(MUTATIONS) >= 25
    for mutation in MUTATIONS:
        assert mutated(mutation, source) != source
        name, test = mutation.test.split("::")
        assert f"def {test}(" in (Path(__file__).parent / name).read_text("utf-8")
