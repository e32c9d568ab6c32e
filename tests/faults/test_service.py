"""A whole service at work while things break, in real processes: it ends in the right root, and everybody is paid once.

The right root is what a fault-free run of the same trading gave, what comes out of the evidence when every event is
read from the chain again, and what a second implementation makes of it. What was paid is asked of the contracts.
`make faults` runs the full counts, the ordinary tests a fixed sample of every kind in two runs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.failpoints import STAGES
from tests.faults.conftest import FULL

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = {
    1: "0x60a7f95f1a81b64ae4cec2eef5498853f875960561dedaea42298668afaaac59",
    2: "0xdc33ebd457d2fa1de69671089c9f1003a8aef20df7bd81b283522961a4e26e50",
}
"""The roots of the first epochs of seed 1, as a fault-free run gives them; `make faults` makes that run as well."""
ACCOUNTS = 6
POINTS = tuple(point for stage, points in STAGES.items() if stage != "archiving" for point in points)
"""Archiving has tests of its own: it is for what is months old."""
ALONE = ("live.before_commit", "live.stored", "rescoring.withdraw_sent")
"""For a run of their own. There is one withdrawal in a run, and who dies having signed it never comes to that point.

A worker that dies at eighty others is not there before the last epoch has ended, when nothing is scored live any more.
"""
TOGETHER = tuple(point for point in POINTS if point not in ALONE)
HARD = ("scoring.before_commit",)
SAMPLE = (
    "indexer.logs_written", "backfill.before_commit", "quarantine.before_commit", "evidence.outputs_written",
    "review.before_commit", "transactions.sent", "publishing.activate_signed", "watch.before_commit",
    "rescoring.before_commit", "relay.signed", "notices.before_commit", "whatif.part",
)  # fmt: skip
"""With HARD a point of every stage but archiving and signs of life, each one that no run ends without passing."""
LONGEST_S = 3_000 if FULL else 900
STOP_S = 120
RUNS = pytest.mark.parametrize(
    ("points", "epochs", "pause_s"), [(TOGETHER, 2, 0.0), (ALONE, 1, 0.3)], ids=["together", "alone"]
)
full = pytest.mark.skipif(not FULL, reason="make faults runs it")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(LONGEST_S + 2 * STOP_S)]


def kills(points: tuple[str, ...], *, group: bool = False) -> list[str]:
    return [f"{point}:1{':group' * group}" for point in points]


def run(folder: Path, *, epochs: int = 2, pause_s: float = 0.0, **mishaps: Any) -> dict[str, Any]:
    """Let the service work through so many epochs while these mishaps happen, and hold what came out together."""
    plan = {"seed": 1, "epochs": epochs, "pause_s": pause_s, "mishaps": mishaps}
    env = {key: value for key, value in os.environ.items() if key not in ("EVIDENCE_DIR", "PROOFS_DIR")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.service", str(folder), json.dumps(plan)],
        cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=LONGEST_S)
        finally:
            # Asked to, it stops all that it has started; one that hangs must not keep the others from their turn.
            process.terminate()
            try:
                process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
    assert process.returncode == 0, err[-3000:]
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    print(json.dumps({"mishaps": found["mishaps"], "deaths": found["deaths"], "errors": found["errors"]}))
    check(found, epochs=epochs)
    return found


def check(found: dict[str, Any], *, epochs: int) -> None:
    """The right roots, each account paid once and what it is owed, nothing sent twice, nothing left half-written."""
    assert found["roots"] == found["recomputed"] == found["second"]
    assert found["roots"][: len(ROOTS)] == [ROOTS[number] for number in range(1, min(epochs, len(ROOTS)) + 1)]
    assert len(found["balances"]) == ACCOUNTS
    assert found["balances"] == found["transfers"] == found["owed"]
    assert sum(found["balances"].values()) == sum(found["paid"])
    assert found["requests"] == ["done"]
    sent = found["purposes"]
    # The first epoch is put right by two people, so its first proposal is taken back.
    assert (sent["withdraw"], sent["propose"], sent["activate"]) == (1, epochs + 1, epochs)
    assert found["packs"] == ACCOUNTS
    assert found["notices"][0] == found["notices"][1]


def test_a_worker_killed_at_points_of_every_stage_whose_tasks_come_three_times_pays_everybody_once(tmp_path):
    """Its children die at most of them; at one the whole worker does, with its children. Tasks come shuffled."""
    armed = kills(SAMPLE) + kills(HARD, group=True)
    found = run(tmp_path, epochs=1, kills=armed, thrice=3)
    assert sorted(found["mishaps"]["kills"]) == sorted(armed)
    assert found["mishaps"]["thrice"] > 300
    assert found["deaths"] == ["worker"] * len(HARD)


def test_database_queue_node_clock_and_disk_that_fail_at_work_change_no_root(tmp_path):
    found = run(tmp_path, pause_s=0.05, postgres=1, redis=1, beats=2, gone_s=5, clock=1, disk=2)
    assert found["mishaps"] | {"gone_s": None} == {
        "postgres": 1, "redis": 1, "beats": 2, "gone_s": None, "clock": 1, "disk": 2,
    }  # fmt: skip
    seconds, refused = found["mishaps"]["gone_s"]
    assert seconds >= 5
    assert refused


@full
def test_without_any_mishap_the_roots_are_those_that_all_others_are_held_against(tmp_path):
    assert run(tmp_path, epochs=3)["deaths"] == []


@full
def test_the_database_restarted_twenty_times_under_load(tmp_path):
    assert run(tmp_path, epochs=3, pause_s=0.1, postgres=20)["mishaps"] == {"postgres": 20}


@full
def test_redis_restarted_twenty_times_under_load(tmp_path):
    assert run(tmp_path, epochs=3, pause_s=0.1, redis=20)["mishaps"] == {"redis": 20}


@full
@RUNS
def test_the_whole_worker_killed_at_every_named_point(tmp_path, points, epochs, pause_s):
    found = run(tmp_path, epochs=epochs, pause_s=pause_s, kills=kills(points, group=True))
    assert found["mishaps"]["kills"] == kills(points, group=True)
    assert found["deaths"] == ["worker"] * len(points)


@full
@RUNS
def test_a_child_of_the_worker_killed_at_every_named_point(tmp_path, points, epochs, pause_s):
    found = run(tmp_path, epochs=epochs, pause_s=pause_s, kills=kills(points))
    assert found["mishaps"]["kills"] == kills(points)
    assert found["deaths"] == []


@full
def test_two_beats_at_once(tmp_path):
    assert run(tmp_path, epochs=3, beats=2)["deaths"] == []


@full
def test_every_task_delivered_three_times_and_shuffled(tmp_path):
    found = run(tmp_path, epochs=3, thrice=3)
    assert found["mishaps"]["thrice"] > 1_000


@full
def test_a_disk_that_is_full_while_evidence_and_proof_packs_are_written(tmp_path):
    assert run(tmp_path, epochs=3, disk=20)["mishaps"] == {"disk": 20}


@full
def test_a_clock_that_is_set_back_an_hour_five_times(tmp_path):
    assert run(tmp_path, epochs=3, pause_s=0.05, clock=5)["mishaps"] == {"clock": 5}


@full
def test_a_chain_provider_that_is_gone_for_ten_minutes(tmp_path):
    found = run(tmp_path, epochs=3, pause_s=0.7, gone_s=600)
    assert found["mishaps"]["gone_s"][0] >= 600
