"""A mistake that is found in time: the epoch is scored again, both results are kept, and only the new one is paid."""

import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from onchain.models import OutgoingTransaction
from rewards import tasks
from rewards.errors import ApprovalRefusedError, CorrectionRefusedError
from rewards.models import Allocation, Correction, Dispute, Entitlement, Epoch, EpochRevision, Payment, Score
from rewards.selectors.revisions import revision_steps
from rewards.selectors.treasury import treasury_epoch
from rewards.services.claims import claim_request
from rewards.services.corrections import correction_confirm, correction_enter
from rewards.services.disputes import dispute_decide
from rewards.services.programs import epoch_schedule
from tests.chain import calldata
from tests.reviewing import put_forward
from tests.rewards.conftest import ALICE_LP, ALICE_PAY, BOB_PAY, DELAY_S, PROPOSER, REAL_RUN, TREASURY
from tests.rewards.correcting import END_S, disputed, linked_to_alice, person, two_hours
from tests.rewards.test_crashes import DeadError
from tests.rewards.test_publishing import approve, poke
from tests.rewards.test_scoring import HOUR_S, terms_of

pytestmark = pytest.mark.django_db
STATE = Epoch.State
TOKEN_UNITS = 1_000_000


def at(epoch: Epoch) -> Epoch:
    epoch.refresh_from_db()
    return epoch


def pokes(house, count: int = 3, *, time_s: int | None = None) -> None:
    if time_s is not None:
        house.anvil.mine(time_s=time_s)
    for _ in range(count):
        poke(house)


def verify(name: str) -> str:
    """What a process of its own says of a folder of evidence: the last word is the root."""
    done = REAL_RUN(
        [sys.executable, "-m", "rewards.engine", "verify", str(Path(django_settings.EVIDENCE_DIR) / name)],
        cwd=django_settings.BASE_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()[-1]


def chain_state(house) -> tuple[int, str]:
    """State and digest of the contract's epoch 1, by its own view: 0 none, 1 proposed, 2 approved."""
    words = house.anvil.call(to=house.distributor, signature="epoch_info(uint256)", types=("uint256",), values=(1,))
    words = words.removeprefix("0x")
    return int(words[:64], 16), "0x" + words[4 * 64 : 5 * 64]


def refusal(house, *, sender: int, data: str) -> str:
    """The error that the contract gives a call, by a dry run."""
    call = {"from": house.anvil.accounts[sender], "to": house.distributor, "data": data}
    with pytest.raises(RuntimeError) as error:
        house.anvil.rpc("eth_call", call, "latest")
    return str(error.value)


def approval(digest: str) -> str:
    return calldata("approve(uint256,bytes32)", ("uint256", "bytes32"), (1, bytes.fromhex(digest[2:])))


def test_a_dispute_leads_to_a_correction_a_new_result_and_pay_by_it_alone(house, one_process, settings):
    settings.REVIEW_HOURS = 48
    epoch = two_hours(house)
    pokes(house)
    assert at(epoch).state == STATE.SCORED
    old_root, old_evidence, old_manifest = epoch.root, epoch.evidence_name, epoch.manifest_hash
    dispute = disputed(epoch, now_s=END_S + HOUR_S)

    # The window ends, and still nothing is proposed while the dispute is open: by the chain's own view.
    pokes(house, time_s=END_S + 50 * HOUR_S)
    assert at(epoch).state == STATE.SCORED
    assert chain_state(house)[0] == 0
    assert not OutgoingTransaction.objects.exists()

    correction = linked_to_alice(epoch, dispute=dispute)
    dispute_decide(by=person("treasurer"), dispute=dispute, decision=Dispute.State.UPHELD, reason="She is right.")
    pokes(house)
    assert (at(epoch).state, epoch.root != old_root) == (STATE.SCORED, True)
    correction.refresh_from_db()
    revision = EpochRevision.objects.get()
    assert (correction.state, correction.revision) == (Correction.State.APPLIED, revision)
    assert (revision.number, revision.root, revision.evidence_name) == (1, old_root, old_evidence)
    # Only Alice is there now, with all of the credit: 1,000,000 of 1,000,000, 70 to 30.
    assert dict(Allocation.objects.values_list("maker", "payout")) == {"alice": TOKEN_UNITS}
    assert dict(Entitlement.objects.values_list("account", "cumulative")) == {ALICE_PAY: 700_000, ALICE_LP: 300_000}
    assert [verify(name) for name in (old_evidence, epoch.evidence_name)] == [old_root, epoch.root]
    makers = (Path(settings.EVIDENCE_DIR) / epoch.evidence_name / "makers.csv").read_text().split()
    assert makers[1:] == [f"0x{'a' * 40},alice", f"0x{'b' * 40},alice"]
    manifest = (Path(settings.EVIDENCE_DIR) / epoch.evidence_name / "manifest.json").read_text()
    assert f'"replaces":"{old_manifest}"' in manifest

    # The new result has a window of its own; then it is proposed, approved and paid.
    assert chain_state(house)[0] == 0
    pokes(house, time_s=END_S + 100 * HOUR_S)
    assert at(epoch).state == STATE.PROPOSED, epoch.note
    assert chain_state(house) == (1, epoch.digest)
    approve(house, epoch)
    pokes(house, 2, time_s=END_S + 100 * HOUR_S + 2 * DELAY_S)
    pokes(house, 2, time_s=END_S + 100 * HOUR_S + 4 * DELAY_S)
    assert at(epoch).state == STATE.ACTIVE
    for account in (ALICE_PAY, ALICE_LP):
        claim_request(program=house.program, account=account)
    pokes(house, 2)
    assert [house.balance(account) for account in (ALICE_PAY, ALICE_LP, BOB_PAY)] == [700_000, 300_000, 0]
    assert house.balance(house.distributor) == 0


def test_the_difference_is_shown_to_the_unit(house, one_process):
    epoch = two_hours(house)
    pokes(house, 1)
    linked_to_alice(at(epoch))
    pokes(house, 4)
    (step,) = revision_steps(epoch=at(epoch))
    assert [(change.what, change.before, change.after) for change in step.makers] == [
        (("alice",), 833_333, 1_000_000), (("bob",), 166_666, 0),
    ]  # fmt: skip
    assert {change.what[0]: (change.before, change.after, change.difference) for change in step.accounts} == {
        ALICE_PAY: (583_334, 700_000, 116_666), ALICE_LP: (249_999, 300_000, 50_001), BOB_PAY: (166_666, 0, -166_666),
    }  # fmt: skip
    assert [(change.what[0], change.before, change.after) for change in step.totals] == [
        ("Paid", 999_999, 1_000_000), ("Carried into the next epoch", 0, 0), ("Not earned", 1, 0),
    ]  # fmt: skip
    # Bob's address quoted from 10:00 to 11:00 in New York, in regular hours.
    assert [(change.what, change.before, change.after) for change in step.presence] == [
        (("AAPL-PERP", "bob", "regular"), HOUR_S * 1000, 0),
    ]  # fmt: skip
    assert step.before.because.startswith(f"0x{'b' * 40}: counted for alice in this epoch.")
    assert step.before.because.endswith("Alice proved it.")


@pytest.fixture
def proposed(house, one_process) -> Epoch:
    """Proposed at once: there is no review window."""
    epoch = two_hours(house)
    pokes(house)
    assert at(epoch).state == STATE.PROPOSED, epoch.note
    return epoch


def test_a_proposal_is_withdrawn_and_its_digest_can_never_be_approved_again(house, proposed):
    put_forward(proposed)
    old = proposed.digest
    fields = (proposed.root, proposed.parent_root, proposed.manifest_hash)
    assert treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000 + 60_000).approval.digest == old
    linked_to_alice(proposed)
    # From the confirmation on nothing is offered for the old result.
    assert treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000 + 60_000).approval is None
    with pytest.raises(ApprovalRefusedError, match="checks"):
        approve(house, proposed)

    pokes(house, 1)
    assert "wrong state" in refusal(house, sender=TREASURY, data=approval(old))
    again = calldata(
        "propose(uint256,bytes32,bytes32,bytes32,address[],uint256[])",
        ("uint256", "bytes32", "bytes32", "bytes32", "address[]", "uint256[]"),
        (1, *(bytes.fromhex(field[2:]) for field in fields), [house.token], [999_999]),
    )
    assert "digest was used" in refusal(house, sender=PROPOSER, data=again)

    pokes(house, 12)
    assert at(proposed).state == STATE.PROPOSED, proposed.note
    assert proposed.digest != old
    assert chain_state(house) == (1, proposed.digest)
    assert EpochRevision.objects.get().digest == old
    assert "wrong digest" in refusal(house, sender=TREASURY, data=approval(old))
    # Who put the former result forward said nothing of this one.
    assert treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000 + 600_000).approval is None
    put_forward(proposed)
    page = treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000 + 600_000)
    assert page.approval.digest == proposed.digest
    approve(house, proposed)
    pokes(house, 2)
    assert at(proposed).state == STATE.APPROVED
    purposes = OutgoingTransaction.objects.values_list("purpose", flat=True)
    assert [purpose.split()[0] for purpose in purposes.order_by("pk")][:3] == ["propose", "withdraw", "propose"]


def test_scoring_again_with_the_same_result_has_a_digest_of_its_own(house, proposed):
    """A withdrawn digest can't be proposed again; a re-read chain that says the same must not end there."""
    old, root = proposed.digest, proposed.root
    entered = correction_enter(
        by=person("operator"), epoch=proposed, kind="data", given={}, reason="The node had lost a block."
    )
    correction_confirm(by=person("treasurer"), correction=entered)
    pokes(house, 12)
    assert at(proposed).state == STATE.PROPOSED, proposed.note
    assert (proposed.root, proposed.digest != old) == (root, True)
    (step,) = revision_steps(epoch=proposed)
    assert not step.changes_anything


def test_an_approval_that_is_faster_than_the_correction_stands(house, proposed):
    digest = proposed.digest
    approve(house, proposed)
    house.anvil.mine()
    # The chain has it, and our mirror has not looked yet.
    linked = linked_to_alice(proposed)
    pokes(house, 4)
    linked.refresh_from_db()
    assert (at(proposed).state, linked.state) == (STATE.APPROVED, Correction.State.TOO_LATE)
    assert chain_state(house) == (2, digest)
    assert not EpochRevision.objects.exists()
    with pytest.raises(CorrectionRefusedError, match="approved on the chain and stays as it is"):
        linked_to_alice(proposed)


def test_epochs_scored_on_top_are_scored_again_in_their_order(house, one_process, settings):
    settings.REVIEW_HOURS = 48
    first = two_hours(house, more_s=2 * HOUR_S)
    second = epoch_schedule(
        program=house.program, terms=terms_of(number=2, start_s=END_S, end_s=END_S + 2 * HOUR_S, token=house.token)
    )
    pokes(house)
    assert (at(first).state, at(second).state) == (STATE.SCORED, STATE.SCORED)
    old_roots = first.root, second.root
    linked_to_alice(first)
    pokes(house)
    assert (at(first).state, at(second).state) == (STATE.SCORED, STATE.SCORED)
    assert list(EpochRevision.objects.values_list("epoch", "number", "root")) == [
        (first.pk, 1, old_roots[0]), (second.pk, 1, old_roots[1]),
    ]  # fmt: skip
    assert EpochRevision.objects.get(epoch=second).because == "Epoch 1, which it builds on, was scored again."
    assert second.parent_root == first.root
    # In the second epoch Bob's address is Bob's: both quote the same for all of it, half of a million each.
    assert dict(Entitlement.objects.filter(epoch=second).values_list("account", "cumulative")) == {
        ALICE_PAY: 700_000 + 350_000, ALICE_LP: 300_000 + 150_000, BOB_PAY: 500_000,
    }  # fmt: skip
    assert verify(second.evidence_name) == second.root


POINTS = (
    "rescoring.withdraw_signed", "transactions.signed", "transactions.sent",
    "rescoring.before_commit", "rescoring.opened", "scoring.gathered", "scoring.after_evidence",
    "scoring.before_commit", "scoring.stored", "publishing.signed",
)  # fmt: skip


def rows() -> list[object]:
    return [
        list(Score.objects.order_by("pk").values_list("market", "maker", "kind", "credit")),
        dict(Allocation.objects.values_list("maker", "payout")),
        dict(Entitlement.objects.values_list("account", "increment")),
        dict(Payment.objects.values_list("account", "amount")),
        list(EpochRevision.objects.values_list("number", "root", "paid_total")),
        list(Correction.objects.values_list("state", flat=True)),
    ]


def test_dying_twice_at_every_step_of_scoring_again_ends_in_the_same_place(house, proposed, monkeypatch):
    old = proposed.digest
    linked_to_alice(proposed)
    left = {point: {1, 2} for point in POINTS}
    passed: dict[str, int] = {}

    def hit(name: str) -> None:
        passed[name] = passed.get(name, 0) + 1
        if passed[name] in left.get(name, set()):
            left[name].discard(passed[name])
            raise DeadError(name)

    monkeypatch.setattr("config.failpoints.hit", hit)
    for _ in range(40):
        for step in (tasks.watch_distributor, tasks.advance_epochs):
            house.index()
            try:
                step()
            except DeadError:
                continue
        house.anvil.mine()
        if at(proposed).state == STATE.PROPOSED and proposed.digest != old:
            break
    assert chain_state(house) == (1, proposed.digest)
    assert rows()[1:] == [
        {"alice": TOKEN_UNITS}, {ALICE_PAY: 700_000, ALICE_LP: 300_000}, {ALICE_PAY: 700_000, ALICE_LP: 300_000},
        [(1, EpochRevision.objects.get().root, 999_999)], [Correction.State.APPLIED],
    ]  # fmt: skip
    purposes = [row.split()[0] for row in OutgoingTransaction.objects.order_by("pk").values_list("purpose", flat=True)]
    assert purposes == ["propose", "withdraw", "propose"]
    assert [point for point in POINTS if 1 in left[point]] == []
