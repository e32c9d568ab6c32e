"""What-ifs: the engine's own numbers, one question once at a time, and workers that die, double or come late."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from onchain.locks import LOCK_CLASS, lock_number
from rewards import tasks
from rewards.engine.__main__ import main as engine
from rewards.errors import WhatIfRefusedError
from rewards.models import Epoch, Program, WhatIfJob, WhatIfPart
from rewards.selectors.whatif import TermsChoice
from rewards.services.programs import program_create
from rewards.services.whatif import whatif_ask, whatif_cancel, whatifs_due, whatifs_sweep
from rewards.services.whatif_answer import whatif_answer

pytestmark = pytest.mark.django_db
BUNDLE = Path(__file__).resolve().parents[1] / "vectors" / "bundles" / "240"
ANSWERING = Path(__file__).resolve().parent / "answering.py"
TERMS = json.loads((BUNDLE / "terms.json").read_text())
AS_IT_WAS = TermsChoice(key="as-it-was", label="its own terms", template="")
NOW = timezone.now


def tried(**changes: object) -> TermsChoice:
    document = {key: value for key, value in (TERMS | changes).items() if key != "epoch"}
    return TermsChoice(key="version-1", label="version 1", template=json.dumps(document))


def other() -> TermsChoice:
    markets = {name: terms | {"target_lots": 400} for name, terms in TERMS["markets"].items()}
    return tried(markets=markets, boosts=dict.fromkeys(TERMS["boosts"], 100))


@pytest.fixture
def program() -> Program:
    """Two scored epochs whose evidence is one of the repository's vectors."""
    made = program_create(
        slug="vectors", name="Vectors", chain_id=1, distributor="0x" + "d1" * 20, token=TERMS["token"],
        token_symbol="LAMP", start_block=1,
    )  # fmt: skip
    for number in (38, 39):
        shutil.copytree(BUNDLE, Path(django_settings.EVIDENCE_DIR) / f"vector-{number}", dirs_exist_ok=True)
        Epoch.objects.create(
            program=made, number=number, start_ms=number * 10, end_ms=number * 10 + 10, terms_json=json.dumps(TERMS),
            terms_sha256="", budget=int(TERMS["budget"]), state="active", paid_total=1, unspent=1,
            evidence_name=f"vector-{number}",
        )  # fmt: skip
    return made


@pytest.fixture
def tess() -> User:
    return User.objects.create_user(username="tess", role="treasurer")


def ask(program: Program, by: User, *numbers: int, after: TermsChoice | None = None) -> WhatIfJob:
    return whatif_ask(
        by=by, program=program, numbers=numbers or [38, 39], before=AS_IT_WAS, after=after or other(), now=NOW()
    )


def answered(job: WhatIfJob, **how: object) -> WhatIfJob:
    whatif_answer(job_id=job.pk, clock=NOW, **how)
    job.refresh_from_db()
    return job


def by_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture) -> dict:
    """What the engine's own command says of the same bundle and terms."""
    path = tmp_path / "other.json"
    path.write_text(json.dumps(json.loads(other().template) | {"epoch": TERMS["epoch"]}))
    assert engine(["whatif", str(BUNDLE), "--terms", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    del said["notes"]  # of the two files, not of the numbers
    return said


def test_the_numbers_are_those_of_the_engines_own_command(program, tess, tmp_path, capsys):
    job = answered(ask(program, tess))
    assert job.state == WhatIfJob.State.DONE, job.error
    expected = by_the_engine(tmp_path, capsys)
    assert expected["rows"]
    assert expected["totals"]["earned"]["difference"] != "0"
    for epoch in job.result["epochs"]:
        assert {key: epoch[key] for key in expected} == expected
    # Both epochs have the same evidence here, so every sum is twice the engine's figure.
    for name, row in expected["totals"].items():
        assert job.summary["totals"][name] == {side: str(2 * int(value)) for side, value in row.items()}
    assert {row["maker"]: int(row["after"]) for row in job.summary["makers"]} == {
        row["maker"]: 2 * int(row["after"]) for row in expected["makers"]
    }
    assert job.summary["pairs_left"] == 0
    # Each kind of session is rounded down by itself, so their sum may fall short of what quotes earned, never pass it.
    for side in ("before", "after"):
        of_sessions = sum(int(row[side]) for row in job.summary["sessions"])
        assert 0 < of_sessions <= int(job.summary["totals"]["budget"][side])


def test_a_second_delivery_changes_nothing_and_while_another_holds_the_lock_nothing_is_done(program, tess):
    job = ask(program, tess, 39)
    with psycopg.connect(**_connection()) as other_worker:
        lock = [LOCK_CLASS, lock_number(f"what-if {job.pk}")]
        other_worker.execute("SELECT pg_advisory_lock(%s, %s)", lock)
        assert answered(job).state == WhatIfJob.State.WAITING
        other_worker.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
    once = answered(job)
    ended = once.ended_at
    assert once.state == WhatIfJob.State.DONE
    assert answered(job).ended_at == ended
    assert not WhatIfPart.objects.exists()


def _connection() -> dict:
    found = connection.get_connection_params()
    return {key: found[key] for key in ("host", "port", "user", "password", "dbname") if found.get(key)}


def test_a_slice_ends_after_an_epoch_and_the_next_poke_goes_on_from_there(program, tess):
    job = answered(ask(program, tess), keep_going=lambda: False)
    assert (job.state, job.epochs_done, job.parts.count()) == (WhatIfJob.State.RUNNING, 1, 1)
    assert whatifs_due(now=NOW()) == [job.pk]
    first = job.parts.get().document
    tasks.answer_whatif(job.pk)
    job.refresh_from_db()
    assert job.state == WhatIfJob.State.DONE
    assert job.result["epochs"][0] == first
    assert whatifs_due(now=NOW()) == []


def test_only_a_silent_worker_is_looked_after(program, tess):
    job = ask(program, tess)
    WhatIfJob.objects.update(state="running", seen_at=NOW())
    assert whatifs_due(now=NOW()) == []
    assert whatifs_due(now=NOW() + timedelta(minutes=1)) == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_anywhere_leaves_the_same_answer(program, tess, tmp_path):
    job = ask(program, tess)
    kills = ("whatif.begun:1", "whatif.before_part:1", "whatif.part:1", "whatif.before_end:1")
    env = {
        **os.environ, "LAMPLIGHT_FAILPOINTS": ",".join(kills), "LAMPLIGHT_FAILPOINTS_DIR": str(tmp_path),
        "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    argv = [sys.executable, str(ANSWERING), connection.settings_dict["NAME"], str(django_settings.EVIDENCE_DIR)]
    deaths = 0
    for _ in range(len(kills) + 1):
        done = subprocess.run([*argv, str(job.pk)], env=env, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr[-3000:]
        deaths += done.returncode == -signal.SIGKILL
    assert deaths == len(kills)
    job.refresh_from_db()
    assert job.state == WhatIfJob.State.DONE, job.error
    again = answered(ask(program, tess))
    assert again.pk != job.pk
    assert (again.result, again.summary) == (job.result, job.summary)


def test_a_worker_that_dies_again_and_again_over_one_epoch_ends_it_with_a_sentence(program, tess):
    job = ask(program, tess)
    WhatIfJob.objects.update(tries=3, state="running")
    assert "died 3 times" in answered(job).error
    assert job.state == WhatIfJob.State.FAILED


@pytest.mark.parametrize("point", ["whatif.begun", "whatif.before_part", "whatif.part", "whatif.before_end"])
def test_a_cancel_at_any_moment_holds_and_leaves_nothing(program, tess, monkeypatch, point):
    job = ask(program, tess)

    def cancel(name: str) -> None:
        if name == point and WhatIfJob.objects.get(pk=job.pk).is_open:
            whatif_cancel(by=tess, job=job, now=NOW())

    monkeypatch.setattr("config.failpoints.hit", cancel)
    assert answered(job).state == WhatIfJob.State.CANCELLED
    assert (job.result, job.summary, WhatIfPart.objects.count()) == (None, None, 0)
    assert answered(job).state == WhatIfJob.State.CANCELLED


def test_who_cancels_while_the_events_are_read_stops_the_reading(program, tess):
    job, times = ask(program, tess), iter(range(10_000))

    def clock() -> object:
        tick = next(times)
        if tick == 2:
            whatif_cancel(by=tess, job=job, now=NOW())
        return NOW() + timedelta(seconds=2 * tick)

    whatif_answer(job_id=job.pk, clock=clock)
    job.refresh_from_db()
    assert (job.state, job.epochs_done) == (WhatIfJob.State.CANCELLED, 0)


def test_only_who_asked_cancels_and_only_while_it_is_open(program, tess):
    job = ask(program, tess, 39)
    with pytest.raises(WhatIfRefusedError, match="only tess"):
        whatif_cancel(by=User.objects.create_user(username="theo", role="treasurer"), job=job, now=NOW())
    answered(job)
    with pytest.raises(WhatIfRefusedError, match="ended already"):
        whatif_cancel(by=tess, job=job, now=NOW())
    assert answered(job).state == WhatIfJob.State.DONE


def test_the_same_question_is_one_job_and_a_person_has_two_at_once(program, tess):
    first = ask(program, tess, 38)
    assert ask(program, tess, 38) == first
    ask(program, tess, 39)
    with pytest.raises(WhatIfRefusedError, match="2 of your what-ifs are still being worked out"):
        ask(program, tess)
    assert ask(program, User.objects.create_user(username="rita", role="reviewer")).state == "waiting"


def test_a_question_that_can_not_be_asked_is_refused_in_a_sentence(program, tess):
    for numbers, after, said in (
        ((40,), None, "epoch 40 of Vectors has not been scored"),
        (range(1, 14), None, "13 epochs are chosen, and 12 are the most"),
        ((39,), AS_IT_WAS, "both sets of terms are the same"),
    ):
        with pytest.raises(WhatIfRefusedError, match=said):
            ask(program, tess, *numbers, after=after)
    with pytest.raises(WhatIfRefusedError, match="no epoch is chosen"):
        whatif_ask(by=tess, program=program, numbers=[], before=AS_IT_WAS, after=other(), now=NOW())


def test_missing_evidence_and_markets_end_in_a_sentence(program, tess):
    markets = TERMS["markets"]
    name, terms = next(iter(markets.items()))
    elsewhere = answered(ask(program, tess, 39, after=tried(markets={"ZZZ-PERP": terms | {"weight_bps": 10_000}})))
    assert elsewhere.error == (
        "Epoch 39 can't be scored anew: it had none of the markets of version 1, so nobody quoted there."
    )
    one_more = {**markets, "ZZZ-PERP": terms, name: terms | {"weight_bps": 0}}
    added = answered(ask(program, tess, 39, after=tried(markets=one_more)))
    assert added.summary["absent"] == [[39, ["ZZZ-PERP"]]]
    (Path(django_settings.EVIDENCE_DIR) / "vector-39" / "events.parquet").unlink()
    gone = answered(ask(program, tess))
    assert gone.state == WhatIfJob.State.FAILED
    assert gone.error == (
        "Epoch 39 can't be scored anew: its evidence can’t be read on the worker’s machine"
        " (events.parquet: the file is missing)."
    )
    assert not WhatIfPart.objects.exists()


def test_answers_expire_and_what_nobody_takes_up_is_given_up(program, tess):
    done = answered(ask(program, tess, 38))
    waiting = ask(program, tess, 39)
    assert whatifs_sweep(now=NOW()) == (0, 0)
    assert whatifs_sweep(now=NOW() + timedelta(days=2)) == (0, 1)
    waiting.refresh_from_db()
    assert waiting.state == WhatIfJob.State.FAILED
    assert "within a day" in waiting.error
    whatifs_sweep(now=NOW() + timedelta(days=40))
    assert not WhatIfJob.objects.filter(pk__in=[done.pk, waiting.pk]).exists()
