"""Every check of an epoch can fail: each is shown a case in which it has to."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from onchain.distributor import NO_ROOT, read_summary
from onchain.indexer import node
from rewards.errors import ApprovalRefusedError, CheckNotWaivableError
from rewards.models import Entitlement, Epoch, EpochCheck, Program
from rewards.selectors.checks import CHECK_LABELS
from rewards.selectors.treasury import treasury_epoch
from rewards.services import check_rules as rules
from rewards.services import checks
from rewards.services.check_rules import Evidence
from tests.rewards.conftest import BOB_PAY, one_process
from tests.rewards.test_publishing import END_S, activated, approve, poke, proposed

__all__ = ["one_process", "proposed"]
pytestmark = pytest.mark.django_db
TOKEN, OTHER = "0x" + "7" * 40, "0x" + "8" * 40
DISTRIBUTOR = "0x" + "d" * 40
ANN, BEN, EVA = ("0x" + digit * 40 for digit in "abe")


@pytest.fixture
def program():
    return Program.objects.create(
        slug="p", name="P", chain_id=1, distributor=DISTRIBUTOR, token=TOKEN, token_symbol="T"
    )


def epoch_of(program, number: int = 1, *, paid: int = 100, budget: int = 100, **fields) -> Epoch:
    defaults = {"unspent": budget - paid, "carried_in_total": 0, "carried_out_total": 0, "state": Epoch.State.SCORED}
    return Epoch.objects.create(
        program=program, number=number, start_ms=number, end_ms=number + 1, terms_json="{}", terms_sha256="0" * 64,
        budget=budget, paid_total=paid, root="0x" + f"{number:064x}", **{**defaults, **fields},
    )  # fmt: skip


def evidence(leaves: dict[str, int], before: dict[str, int] | None = None, *, token: str = TOKEN) -> Evidence:
    return Evidence(
        manifest={},
        leaves={(account, token): amount for account, amount in leaves.items()},
        before={(account, token): amount for account, amount in (before or {}).items()},
    )


def test_an_account_that_is_missing_or_has_less_than_before_fails(program):
    assert rules.monotone(evidence({ANN: 5, BEN: 1}, {ANN: 5}))[0]
    gone, said = rules.monotone(evidence({BEN: 9}, {ANN: 5}))
    assert (gone, ANN in said) == (False, True)
    less, said = rules.monotone(evidence({ANN: 4, BEN: 9}, {ANN: 5}))
    assert (less, ANN in said) == (False, True)


def test_a_total_that_is_not_the_sum_of_the_differences_fails(program):
    epoch = epoch_of(program, paid=7)
    assert rules.total(epoch, evidence({ANN: 9, BEN: 3}, {ANN: 5}))[0]
    assert not rules.total(epoch, evidence({ANN: 9, BEN: 4}, {ANN: 5}))[0]
    assert not rules.total(epoch, evidence({ANN: 7}, token=OTHER))[0]


def test_more_than_the_budget_or_than_is_accounted_for_fails(program):
    assert rules.budget(epoch_of(program, 1, paid=90, carried_out_total=4, unspent=6))[0]
    assert not rules.budget(epoch_of(program, 2, paid=101, unspent=-1))[0]
    assert not rules.budget(epoch_of(program, 3, paid=90, unspent=9))[0]


def test_an_account_that_gains_more_than_one_account_may_fails(program):
    program.account_limit_bps = 6_000
    epoch = epoch_of(program, paid=100)
    assert rules.account_limit(epoch, evidence({ANN: 60, BEN: 40}))[0]
    passed, said = rules.account_limit(epoch, evidence({ANN: 61, BEN: 39}))
    assert (passed, ANN in said) == (False, True)


@pytest.mark.parametrize("account", [TOKEN, DISTRIBUTOR, "0x" + "0" * 40, OTHER])
def test_money_for_a_token_a_distributor_or_nobody_fails(program, account):
    Program.objects.create(slug="q", name="Q", chain_id=1, distributor="0x" + "c" * 40, token=OTHER, token_symbol="O")
    epoch = epoch_of(program)
    assert rules.recipients(epoch, evidence({ANN: 100}))[0]
    assert not rules.recipients(epoch, evidence({ANN: 99, account: 1}))[0]


def test_evidence_of_another_contract_or_with_other_amounts_than_our_pages_fails(program):
    epoch = epoch_of(program, state=Epoch.State.LIVE)
    Entitlement.objects.create(epoch=epoch, account=ANN, token=TOKEN, cumulative=5, increment=5, proof=[])
    manifest = {"program": "p", "epoch": 1, "chain_id": 1, "distributor": DISTRIBUTOR}
    good = replace(evidence({ANN: 5}), manifest=manifest)
    assert rules.evidence_names(epoch, good)[0]
    for field, value in (("program", "q"), ("epoch", 2), ("chain_id", 10), ("distributor", OTHER)):
        assert not rules.evidence_names(epoch, replace(good, manifest={**manifest, field: value}))[0]
    passed, said = rules.evidence_names(epoch, replace(good, leaves={(ANN, TOKEN): 5, (BEN, TOKEN): 1}))
    assert (passed, BEN in said) == (False, True)


def history(program, shares: list[dict[str, int]]) -> None:
    for number, gains in enumerate(shares, start=1):
        epoch = epoch_of(program, number, paid=sum(gains.values()), budget=1_000, state=Epoch.State.LIVE)
        for account, gain in gains.items():
            Entitlement.objects.create(
                epoch=epoch, account=account, token=TOKEN, cumulative=gain, increment=gain, proof=[]
            )
        for state in (Epoch.State.SCORED, Epoch.State.ACTIVE):
            Epoch.objects.filter(pk=epoch.pk).update(state=state)


def test_an_account_that_stands_out_against_the_last_epochs_fails(program):
    history(program, [{ANN: 400, BEN: 20}, {ANN: 500, BEN: 30}])
    epoch = epoch_of(program, 3, paid=1_000, budget=1_000)
    for gains in ({ANN: 880, BEN: 120}, {ANN: 500, EVA: 500}, {BEN: 50}):
        assert rules.outliers(epoch, evidence(gains))[0], gains
    for gains, who in (({ANN: 800, BEN: 121}, BEN), ({ANN: 400, EVA: 501}, EVA)):
        passed, said = rules.outliers(epoch, evidence(gains))
        assert (passed, who in said) == (False, True), gains


def test_only_the_last_eight_epochs_count_and_shares_of_the_budget_are_compared(program):
    history(program, [{BEN: 900}, *[{BEN: 100}] * 8])
    epoch = epoch_of(program, 10, paid=1_000, budget=2_000)
    assert rules.outliers(epoch, evidence({BEN: 800}))[0]
    assert not rules.outliers(epoch, evidence({BEN: 802}))[0]


def test_a_persons_reason_lets_an_outlier_pass_for_this_root_alone_and_no_other_check(program):
    history(program, [{ANN: 100}])
    epoch = epoch_of(program, 2, paid=900, budget=1_000)
    reviewer = User.objects.create_user(username="olu", role="reviewer")
    with pytest.raises(CheckNotWaivableError):
        checks.check_waive(epoch=epoch, code="monotone", reason="I say so", by=reviewer)
    with pytest.raises(CheckNotWaivableError):
        checks.check_waive(epoch=epoch, code="outliers", reason="  ", by=reviewer)
    checks.check_waive(epoch=epoch, code="outliers", reason="Ann was alone this week.", by=reviewer)
    passed, said = rules.outliers(epoch, evidence({ANN: 900}))
    assert (passed, "Ann was alone" in said, "olu" in said) == (True, True, True)
    epoch.root = "0x" + "f" * 64
    assert not rules.outliers(epoch, evidence({ANN: 900}))[0]


def test_against_the_chain_a_stale_parent_a_lost_claim_and_a_dead_node_fail(house, proposed, settings):
    epoch = activated(house, proposed)
    leaf = epoch.entitlements.get(account=BOB_PAY)
    from rewards.services.claims import claim_request

    claim_request(program=house.program, account=BOB_PAY)
    poke(house)
    poke(house)
    client = node()
    summary = read_summary(client=client, distributor=house.distributor)
    found = rules.read_evidence(epoch)
    assert summary.active_root == epoch.root
    assert rules.claimed(client, epoch, found)[0]
    # The epoch that pays continued no root; continuing none again would drop everything that it grants.
    assert epoch.parent_root in ("", NO_ROOT)
    assert not rules.parent_root(epoch, found, summary)[0]
    short = replace(found, leaves={**found.leaves, (BOB_PAY, house.token): leaf.cumulative - 1})
    passed, said = rules.claimed(client, epoch, short)
    assert (passed, BOB_PAY in said) == (False, True)
    client.close()
    settings.RPC_URLS = ["http://127.0.0.1:9"]
    dead = node()
    dead.sleep = lambda seconds: None
    assert not checks.checks_run(dead, epoch=epoch, summary=summary)
    row = EpochCheck.objects.get(epoch=epoch, stage="proposal", code="claimed")
    assert not row.passed
    assert row.detail.startswith("The check could not be done")


def test_before_the_approval_everything_is_checked_again_and_a_failure_takes_the_offer_away(house, proposed, settings):
    page = treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000)
    assert page.approval is not None
    assert [row.code for row in page.checks] == list(CHECK_LABELS)
    tree = settings.EVIDENCE_DIR / proposed.evidence_name / "tree.json"
    document = json.loads(tree.read_text())
    document["values"][0]["value"][2] = str(int(document["values"][0]["value"][2]) + 1)
    tree.write_text(json.dumps(document))
    EpochCheck.objects.update(checked_at=timezone.now() - 2 * checks.CHECK_AGAIN)
    poke(house)
    page = treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000)
    failed = {row.code for row in page.checks if not row.passed}
    assert {"root_rebuilt", "evidence", "total"} <= failed
    assert page.approval is None
    with pytest.raises(ApprovalRefusedError, match="checks"):
        approve(house, proposed)


def test_a_second_process_that_takes_too_long_fails_the_check(program, monkeypatch, settings, tmp_path):
    epoch = epoch_of(program, evidence_name="slow")
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    real = subprocess.run
    monkeypatch.setattr(rules, "VERIFY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(rules.subprocess, "run", lambda argv, **more: real(slow, **more))
    began = time.monotonic()
    passed, said = checks._done(lambda: rules.root_rebuilt(epoch))
    assert (passed, "took longer" in said) == (False, True)
    assert time.monotonic() - began < 30


def test_evidence_that_is_not_there_fails_every_check_that_needs_it(program, settings, tmp_path):
    settings.EVIDENCE_DIR = tmp_path
    epoch = epoch_of(program, evidence_name="nowhere")
    for check in (lambda: rules.root_rebuilt(epoch), lambda: rules.monotone(rules.read_evidence(epoch))):
        assert not checks._done(check)[0]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (198755351262411133156691, "198,755.351262411133156691 LAMP"),
        (250_000 * 10**18, "250,000 LAMP"),
        (1, "0.000000000000000001 LAMP"),
        (0, "0 LAMP"),
    ],
)
def test_checks_say_amounts_in_whole_tokens_to_the_last_digit(raw: int, text: str) -> None:
    assert Program(token_symbol="LAMP", token_decimals=18).exact_amount(raw) == text


def test_checks_before_the_approval_are_made_again_after_an_hour_and_after_a_minute_where_one_failed(program):
    epoch = epoch_of(program)
    rows = [
        EpochCheck(epoch=epoch, stage=EpochCheck.Stage.APPROVAL, code=code, passed=True, detail="")
        for code in ("claimed", "budget")
    ]
    EpochCheck.objects.bulk_create(rows)
    made = EpochCheck.objects.latest("checked_at").checked_at
    later = {minutes: made + timedelta(minutes=minutes, seconds=1) for minutes in (0, 1, 60)}
    assert [checks.approval_checks_due(epoch=epoch, now=now) for now in later.values()] == [False, False, True]
    EpochCheck.objects.filter(code="claimed").update(passed=False)
    assert [checks.approval_checks_due(epoch=epoch, now=now) for now in later.values()] == [False, True, True]
