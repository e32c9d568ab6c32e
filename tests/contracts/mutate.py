"""Takes out, one after the other, each line that defends a guarantee, and checks that its test fails.

python -m tests.contracts.mutate [--only NAME ...]
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.contracts import stage
from tests.contracts.mutations import MUTATIONS, Mutation

HERE = Path(__file__).parent
SOURCE = stage.SOURCES / "rewards_distributor.vy"
QUIET = ["-q", "-x", "-p", "no:cacheprovider", "--no-header", "-W", "ignore"]


def failed(tests: Sequence[str], *, source: str) -> bool:
    """Run tests against an altered distributor in this process; returns whether one failed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        stage.altered = source
        try:
            status = pytest.main([*QUIET, *(str(HERE / test) for test in tests)])
        finally:
            stage.altered = None
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"The tests did not run ({status!r}): {tests}.")
    return status == pytest.ExitCode.TESTS_FAILED


def mutated(mutation: Mutation, source: str) -> str:
    """Return the source with the mutation in it. Raises ValueError when its place is not there exactly once."""
    if source.count(mutation.old) != 1:
        raise ValueError(f"{mutation.name}: its line is there {source.count(mutation.old)} times, not once.")
    return source.replace(mutation.old, mutation.new)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[mutation.name for mutation in MUTATIONS])
    only = parser.parse_args(argv).only
    chosen = [mutation for mutation in MUTATIONS if only is None or mutation.name in only]
    source = SOURCE.read_text("utf-8")
    if failed(sorted({mutation.test for mutation in chosen}), source=source):
        print("The tests fail without any mutation; mend that first.")
        return 1
    survived = 0
    for mutation in chosen:
        caught = failed([mutation.test], source=mutated(mutation, source))
        survived += not caught
        print(
            f"{'caught  ' if caught else 'SURVIVED'}  {mutation.guarantee}  {mutation.name}  ({mutation.test})",
            flush=True,
        )
    print(f"{len(chosen) - survived} of {len(chosen)} mutations were caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
