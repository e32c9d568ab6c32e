"""From a scored epoch to money in a wallet: the chain decides every step, and every unit is accounted for."""

import sys

import pytest

from accounts.models import User
from onchain.indexer import node
from onchain.models import ChainClaim, OutgoingTransaction, TransactionAttempt
from rewards import tasks
from rewards.errors import ApprovalRefusedError, NotAllowedError, NothingToCollectError
from rewards.models import ClaimRequest, Epoch, EpochCheck
from rewards.selectors.treasury import treasury_epoch
from rewards.services.approval import approve_with_local_node
from rewards.services.claims import MAX_ATTEMPTS, claim_request
from rewards.services.programs import epoch_schedule, epochs_begin
from rewards.services.scoring import epoch_score
from tests.accounting import program_accounting
from tests.chain import calldata
from tests.reviewing import put_forward, somebody
from tests.rewards.conftest import ALICE, ALICE_LP, ALICE_PAY, BOB, BOB_PAY, DELAY_S, REAL_RUN, TREASURY
from tests.rewards.test_scoring import HOUR_S, START_S, quote, terms_of

pytestmark = pytest.mark.django_db
END_S = START_S + 2 * HOUR_S


def poke(house, *, mine: bool = True) -> None:
    """What beat does all the time, once."""
    house.index()
    tasks.watch_distributor()
    tasks.advance_epochs()
    tasks.review_epochs()
    tasks.relay_claims()
    if mine:
        house.anvil.mine()
        house.index()
        tasks.watch_distributor()


@pytest.fixture
def proposed(house, one_process):
    """One epoch, quoted, over, proposed and put forward: 833,333 to Alice, 166,666 to Bob (see test_scoring)."""
    return propose(house)


def propose(house) -> Epoch:
    """Bring an epoch as far as that."""
    epoch = epoch_schedule(
        program=house.program, terms=terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    )
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    quote(house.exchange, BOB, 11)
    house.exchange.submit(time_s=START_S + HOUR_S)
    house.anvil.mine(time_s=END_S, blocks=5)
    for _ in range(3):  # score; propose; check again before the approval is offered
        poke(house)
    epoch.refresh_from_db()
    assert epoch.state == Epoch.State.PROPOSED, epoch.note
    put_forward(epoch)
    poke(house)  # a Safe's transaction is made now
    return epoch


def approve(house, epoch, *, role: str = "treasurer") -> str:
    put_forward(epoch)
    client = node()
    try:
        return approve_with_local_node(client, epoch=epoch, by=somebody(role))
    finally:
        client.close()


def activated(house, epoch) -> Epoch:
    approve(house, epoch)
    house.anvil.mine()
    poke(house)
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    poke(house)
    poke(house)
    epoch.refresh_from_db()
    assert epoch.state == Epoch.State.ACTIVE
    return epoch


def books(house) -> dict[str, int]:
    row = program_accounting(program_id=house.program.pk)
    assert row.difference == 0
    return {"claimed": row.claimed, "claimable": row.claimable, "undecided": row.undecided, "carried": row.carried,
            "returned": row.returned}  # fmt: skip


def test_the_proposal_is_what_the_evidence_says_and_every_check_passed(house, proposed, settings):
    second = REAL_RUN(
        [sys.executable, "-m", "rewards.engine", "verify", str(settings.EVIDENCE_DIR / proposed.evidence_name)],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert second.stdout.split()[-1] == proposed.root
    page = treasury_epoch(epoch_id=proposed.pk, now_ms=END_S * 1000)
    assert [check.passed for check in page.checks] == [True] * 11, page.checks
    assert page.checks_stage == EpochCheck.Stage.APPROVAL
    assert page.proposal.matches
    assert page.approval is not None
    assert house.balance(house.distributor) == 0
    info = house.anvil.call(to=house.distributor, signature="epoch_info(uint256)", types=("uint256",), values=(1,))
    digest = "0x" + info.removeprefix("0x")[4 * 64 : 5 * 64]
    assert digest == proposed.digest
    assert books(house) == {"claimed": 0, "claimable": 0, "undecided": 999_999, "carried": 0, "returned": 1}


def test_a_quote_becomes_money_in_a_wallet(house, proposed):
    treasury_before = house.balance(house.anvil.accounts[TREASURY])
    activated(house, proposed)
    assert house.balance(house.anvil.accounts[TREASURY]) == treasury_before - 999_999
    for account in (ALICE_PAY, BOB_PAY):
        claim_request(program=house.program, account=account)
    poke(house)
    poke(house)
    assert house.balance(ALICE_PAY) == 583_334
    assert house.balance(BOB_PAY) == 166_666
    assert house.balance(house.distributor) == 249_999
    assert set(ClaimRequest.objects.values_list("state", flat=True)) == {ClaimRequest.State.DONE}
    assert books(house) == {"claimed": 750_000, "claimable": 249_999, "undecided": 0, "carried": 0, "returned": 1}
    with pytest.raises(NothingToCollectError):
        claim_request(program=house.program, account=ALICE_PAY)


def test_every_unit_of_the_budget_is_collected_ready_carried_or_returned(house, one_process):
    """Alice earns 833,333 and Bob 166,666 of 1,000,000 (test_scoring); Bob's is below the least that is paid."""
    terms = terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token, min_payout="200000")
    epoch = epoch_schedule(program=house.program, terms=terms)
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    quote(house.exchange, BOB, 11)
    house.exchange.submit(time_s=START_S + HOUR_S)
    house.anvil.mine(time_s=END_S, blocks=5)
    treasury_before = house.balance(house.anvil.accounts[TREASURY])
    for _ in range(3):
        poke(house)
    epoch.refresh_from_db()
    activated(house, epoch)
    claim_request(program=house.program, account=ALICE_PAY)
    poke(house)
    poke(house)

    collected, ready, carried, returned = 583_334, 249_999, 166_666, 1
    assert collected + ready + carried + returned == 1_000_000
    # What the token's contract says.
    assert house.balance(ALICE_PAY) == collected
    assert house.balance(house.distributor) == ready
    assert house.balance(house.anvil.accounts[TREASURY]) == treasury_before - collected - ready
    assert [house.balance(account) for account in (ALICE_LP, BOB_PAY)] == [0, 0]
    # What our books say.
    assert books(house) == {
        "claimed": collected, "claimable": ready, "undecided": 0, "carried": carried, "returned": returned
    }  # fmt: skip


def test_asking_and_poking_many_times_pays_once(house, proposed):
    activated(house, proposed)
    for _ in range(3):
        claim_request(program=house.program, account=ALICE_LP)
    for _ in range(4):
        tasks.relay_claims()
    house.anvil.mine()
    for _ in range(3):
        poke(house)
    assert house.balance(ALICE_LP) == 249_999
    assert ChainClaim.objects.count() == 1
    assert OutgoingTransaction.objects.filter(purpose__startswith="collect").count() == 1


def test_a_collection_that_is_final_before_the_distributor_is_watched_again_is_done_and_sent_once(house, proposed):
    """Found under load: the watching task came late, and what was paid was sent five times and said to have failed."""
    activated(house, proposed)
    request = claim_request(program=house.program, account=ALICE_LP)
    tasks.relay_claims()
    for _ in range(MAX_ATTEMPTS + 1):
        # The indexer sees the block and more on top of it; whoever mirrors the distributor has not had a turn since.
        house.anvil.mine(blocks=5)
        house.index()
        tasks.relay_claims()
    request.refresh_from_db()
    assert (request.state, request.attempts) == (ClaimRequest.State.DONE, 1)
    assert house.balance(ALICE_LP) == 249_999
    assert OutgoingTransaction.objects.filter(purpose__startswith="collect").count() == 1


def test_a_claim_that_somebody_else_sent_first_ends_as_done(house, proposed):
    activated(house, proposed)
    request = claim_request(program=house.program, account=BOB_PAY)
    leaf = proposed.entitlements.get(account=BOB_PAY)
    house.anvil.send(
        to=house.distributor, sender=7,
        data=calldata("claim(address,address,uint256,bytes32[])", ("address", "address", "uint256", "bytes32[]"),
                      (BOB_PAY, house.token, leaf.cumulative, [bytes.fromhex(node[2:]) for node in leaf.proof])),
    )  # fmt: skip
    house.anvil.mine()
    poke(house)
    request.refresh_from_db()
    assert request.state == ClaimRequest.State.DONE
    assert house.balance(BOB_PAY) == 166_666


def test_a_transaction_that_was_stored_and_never_sent_is_sent_by_the_next_run(house, proposed, monkeypatch):
    """A crash between storing and broadcasting: the bytes are in the database and no node has seen them."""
    activated(house, proposed)
    claim_request(program=house.program, account=BOB_PAY)
    monkeypatch.setattr("rewards.services.claims.broadcast", lambda client, row: None)
    tasks.relay_claims()
    stored = TransactionAttempt.objects.latest("pk")
    house.anvil.mine()
    assert house.anvil.rpc("eth_getTransactionReceipt", stored.tx_hash) is None
    monkeypatch.undo()
    poke(house)
    assert house.anvil.rpc("eth_getTransactionReceipt", stored.tx_hash)["status"] == "0x1"
    poke(house)
    assert house.balance(BOB_PAY) == 166_666
    assert TransactionAttempt.objects.filter(transaction=stored.transaction).count() == 1


def test_only_a_treasurer_beside_the_local_chain_may_approve_from_the_page(house, proposed, settings):
    for role in set(User.Role.values) - {"treasurer"}:
        with pytest.raises(NotAllowedError):
            approve(house, proposed, role=role)
    settings.LOCAL_TREASURY_SIGNER = False
    with pytest.raises(NotAllowedError):
        approve(house, proposed)


def test_a_treasury_that_holds_too_little_is_told_so_and_nothing_is_sent(house, proposed):
    balance = house.balance(house.anvil.accounts[TREASURY])
    away = calldata("transfer(address,uint256)", ("address", "uint256"), ("0x" + "9" * 40, balance - 5))
    house.treasury_sends(to=house.token, data=away)
    house.anvil.mine()
    with pytest.raises(ApprovalRefusedError, match="holds less"):
        approve(house, proposed)


def test_changed_evidence_is_not_proposed(house, settings):
    epoch = epoch_schedule(
        program=house.program, terms=terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    )
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    house.anvil.mine(time_s=END_S, blocks=5)
    house.index()
    epochs_begin(now_ms=END_S * 1000)
    epoch = epoch_score(epoch_id=epoch.pk)
    scores = settings.EVIDENCE_DIR / epoch.evidence_name / "payouts.csv"
    scores.write_text(scores.read_text().replace("700000", "700001").replace("300000", "299999"))
    poke(house)
    epoch.refresh_from_db()
    assert epoch.state == Epoch.State.SCORED
    assert "check failed" in epoch.note
    assert not EpochCheck.objects.get(epoch=epoch, stage="proposal", code="root_rebuilt").passed
    assert OutgoingTransaction.objects.count() == 0
