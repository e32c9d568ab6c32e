"""kill -9 of the worker in every stage: the way ends in the same root, with nothing twice and nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = (
    "indexer.before_commit:2:group",
    "stretches.before_commit:1:group",
    "stretches.stored:1:group",
    "scoring.after_evidence:1:group",
    "scoring.before_commit:1:group",
    "transactions.signed:1:group",
    "transactions.sent:1:group",
)


def start(tmp_path: Path, *, armed: str = "") -> subprocess.Popen[str]:
    env = {key: value for key, value in os.environ.items() if key not in ("EVIDENCE_DIR", "LAMPLIGHT_DATA_DIR")}
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "tests" / "e2e" / "way.py"), str(tmp_path), armed],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip


def outcome(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=540)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.strip().splitlines()[-1])


@pytest.mark.e2e
def test_a_worker_killed_while_indexing_scoring_and_publishing_changes_nothing(tmp_path):
    """Both ways run at once; one of them loses its worker, children and all, at seven points."""
    undisturbed = start(tmp_path / "undisturbed")
    killed = start(tmp_path / "killed", armed=",".join(KILLS))
    expected, found = outcome(undisturbed), outcome(killed)
    assert expected["deaths"] == []
    assert found["fired"] == sorted(kill.replace(":", "-") for kill in KILLS)
    assert found["deaths"].count("worker") == len(KILLS)
    for what in ("root", "paid", "balances", "events", "logs", "epochs"):
        assert found[what] == expected[what], what
    assert sum(found["balances"].values()) == found["paid"]
    # Collections may go out in one batch or in two; what is decided once is sent once.
    assert [found["purposes"].count(once) for once in ("propose", "activate")] == [1, 1]
