"""kill -9 at every step of scoring an epoch again: real processes, real deaths, and the same end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection

from config import embedded
from onchain.models import OutgoingTransaction
from rewards.models import Allocation, Correction, Entitlement, Epoch, EpochRevision
from tests.rewards.conftest import ALICE_LP, ALICE_PAY
from tests.rewards.correcting import linked_to_alice, two_hours
from tests.rewards.test_publishing import poke

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = (
    "rescoring.withdraw_signed:1", "rescoring.before_commit:1", "rescoring.opened:1", "scoring.gathered:1",
    "scoring.after_evidence:1", "scoring.before_commit:1", "scoring.stored:1", "publishing.signed:1",
)  # fmt: skip
PROGRAM = Path(__file__).resolve().parent / "advancing.py"


def test_an_epoch_that_is_killed_at_every_step_of_scoring_again_is_scored_again_once(house, one_process, tmp_path):
    epoch = two_hours(house)
    for _ in range(3):
        poke(house)
    old = Epoch.objects.get(pk=epoch.pk)
    assert old.state == Epoch.State.PROPOSED, old.note
    linked_to_alice(epoch)
    fired = tmp_path / "fired"
    fired.mkdir()
    env = {
        **os.environ, "RPC_URLS": house.anvil.url, "PROPOSER_KEY": embedded.test_key("proposer"), "REVIEW_HOURS": "0",
        "LAMPLIGHT_FAILPOINTS": ",".join(KILLS), "LAMPLIGHT_FAILPOINTS_DIR": str(fired), "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    deaths = 0
    argv = [sys.executable, str(PROGRAM), connection.settings_dict["NAME"], str(django_settings.EVIDENCE_DIR)]
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        for _ in range(30):
            print("beat", file=program.stdin, flush=True)
            status = int(program.stdout.readline())
            assert status in (0, -signal.SIGKILL)
            deaths += status == -signal.SIGKILL
            house.anvil.mine(blocks=3)
            epoch.refresh_from_db()
            if epoch.state == Epoch.State.PROPOSED and epoch.digest != old.digest:
                break
    assert deaths == len(KILLS)
    assert epoch.digest != old.digest
    assert sorted(path.name for path in fired.iterdir()) == sorted(kill.replace(":", "-") for kill in KILLS)
    assert dict(Allocation.objects.values_list("maker", "payout")) == {"alice": 1_000_000}
    assert dict(Entitlement.objects.values_list("account", "increment")) == {ALICE_PAY: 700_000, ALICE_LP: 300_000}
    assert list(EpochRevision.objects.values_list("number", "root", "digest")) == [(1, old.root, old.digest)]
    assert Correction.objects.get().state == Correction.State.APPLIED
    purposes = OutgoingTransaction.objects.order_by("pk").values_list("purpose", flat=True)
    assert [purpose.split()[0] for purpose in purposes] == ["propose", "withdraw", "propose"]
    # Nothing half-written is left: the two bundles, and what a killed writer had begun beside its place.
    names = {path.name for path in Path(django_settings.EVIDENCE_DIR).iterdir() if not path.name.startswith(".")}
    assert names == {old.evidence_name, epoch.evidence_name}
