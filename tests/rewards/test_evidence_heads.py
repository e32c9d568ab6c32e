"""Every epoch's manifest names where the audit log stood, and scoring again gives the same bytes all the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.models import Maker, User
from accounts.services import maker_payouts_set
from audit import selectors as audit
from audit.chain import Head, verify
from rewards.engine.evidence import verify_bundle
from rewards.models import Epoch, EvidenceHead
from rewards.services.scoring import epoch_reopen, epoch_score
from tests.rewards.test_stretches import busy_epoch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _evidence(settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path / "evidence"


def bundle_of(epoch: Epoch, settings) -> Path:
    return settings.EVIDENCE_DIR / epoch.evidence_name


def manifest_of(epoch: Epoch, settings) -> dict:
    return json.loads((bundle_of(epoch, settings) / "manifest.json").read_bytes())


def test_the_manifest_names_a_head_that_the_log_has_and_the_log_holds_the_terms(settings):
    epoch = epoch_score(epoch_id=busy_epoch().pk)
    named = manifest_of(epoch, settings)["audit"]
    head = Head(named["sequence"], named["hash"].removeprefix("0x"))
    assert head.sequence < audit.head().sequence
    assert verify(audit.export_lines(), wanted=[head]).found == {head}
    terms = audit.entries(table="rewards_epoch", subject=str(epoch.pk)).order_by("sequence").first()
    assert terms.sequence <= head.sequence
    assert json.loads(terms.after)["terms_sha256"] == epoch.terms_sha256
    report = verify_bundle(bundle_of(epoch, settings))
    assert report.ok
    assert report.audit == (named["sequence"], named["hash"])
    done = subprocess.run(
        [sys.executable, "-m", "rewards.engine", "verify", str(bundle_of(epoch, settings))],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"audit log at entry {head.sequence}, head 0x{head.hash}" in done.stdout


def test_scored_again_to_the_same_the_evidence_is_the_same_however_the_log_has_grown(settings):
    first = epoch_score(epoch_id=busy_epoch().pk)
    Maker.objects.create(slug="another", name="Another")
    # As a worker leaves it that was killed after the evidence was written and before the result was stored.
    Epoch.objects.filter(pk=first.pk).update(state=Epoch.State.LIVE)
    second = epoch_score(epoch_id=first.pk)
    assert (second.root, second.manifest_hash, second.evidence_name) == (
        first.root, first.manifest_hash, first.evidence_name,
    )  # fmt: skip
    assert EvidenceHead.objects.count() == 1


def test_a_correction_names_the_log_that_holds_it(settings):
    first = epoch_score(epoch_id=busy_epoch().pk)
    maker = Maker.objects.order_by("pk").first()
    maker_payouts_set(
        by=User(username="olga", role="operator"), maker=maker, shares=[("0x" + "9" * 40, 1_000_000)], since_ms=0
    )
    corrected = audit.head().sequence
    epoch_reopen(program=first.program, number=first.number)
    second = epoch_score(epoch_id=first.pk)
    assert second.root != first.root
    assert manifest_of(first, settings)["audit"]["sequence"] < corrected
    assert manifest_of(second, settings)["audit"]["sequence"] >= corrected
    assert EvidenceHead.objects.count() == 2
