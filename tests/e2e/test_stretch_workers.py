"""Two real Celery workers score eight markets on a real database and queue: the root of one worker, and of none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.e2e
def test_two_workers_share_eight_markets_and_reach_the_root_of_one():
    done = subprocess.run(
        [sys.executable, "tests/bench/bench_parallel.py", "--events", "1500", "--runs", "1", "--json"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout.strip().splitlines()[-1])
    both_first, alone, both = outcome["rounds"]
    assert {each["root"] for each in outcome["rounds"]} == {outcome["straight_root"]}
    assert outcome["straight_root"].startswith("0x")
    assert [each["workers"] for each in outcome["rounds"]] == [2, 1, 2]
    assert alone["taken"][0] >= 8
    assert alone["taken"][1] == 0
    assert all(first + second > 0 for first, second in zip(both_first["taken"], both["taken"], strict=True))
