"""What somebody with a role, or with nothing but an account, may do to stop others from being paid; on a real chain."""

from datetime import timedelta

import pytest

from onchain.models_tx import ChainClaim, ChainEpoch, OutgoingTransaction
from onchain.relayer import _dry_run as dry_run
from rewards import tasks
from rewards.models import ClaimRequest, Epoch
from rewards.services.claims import claim_request
from rewards.services.programs import epoch_schedule
from tests.chain import calldata
from tests.rewards.conftest import ALICE, ALICE_LP, ALICE_PAY, BOB_PAY, DELAY_S, GUARDIAN, house, one_process
from tests.rewards.test_publishing import END_S, activated, approve, poke, proposed
from tests.rewards.test_scoring import START_S, quote, terms_of

__all__ = ["house", "one_process", "proposed"]
pytestmark = pytest.mark.django_db


def veto(house, reason: bytes) -> None:
    """Stop epoch 1 with a reason that no library has checked: a Vyper String is any bytes."""
    data = calldata("veto(uint256,bytes)", ("uint256", "bytes"), (1, reason))
    selector = calldata("veto(uint256,string)", ("uint256", "string"), (1, "x"))[:10]
    house.anvil.send(to=house.distributor, sender=GUARDIAN, data=selector + data[10:])
    house.anvil.mine(blocks=2)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [(b"bad \xff\xfe bytes", "bad \ufffd\ufffd bytes"), (b"nul \0 inside", "nul \ufffd inside")],
    ids=["no UTF-8", "a NUL"],
)
def test_a_veto_whose_reason_is_no_text_is_mirrored_like_any_other(house, proposed, reason, shown):
    veto(house, reason)
    poke(house)
    row = ChainEpoch.objects.get(digest=proposed.digest)
    assert (row.state, row.reason) == (ChainEpoch.State.VETOED, shown)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.VETOED
    assert shown in proposed.note


def fails_by_a_pause(house, prefix: str) -> OutgoingTransaction:
    """Let the guardian's pause get into a block before what the service has signed and sent; returns that."""
    sent = OutgoingTransaction.objects.filter(purpose__startswith=prefix).latest("pk")
    house.anvil.rpc("anvil_dropAllTransactions")
    house.anvil.send(to=house.distributor, sender=GUARDIAN, data=calldata("pause()"))
    house.anvil.mine()
    house.anvil.rpc("eth_sendRawTransaction", sent.attempts.latest("pk").raw)
    house.anvil.mine(blocks=3)
    for _ in range(2):
        poke(house)
    sent.refresh_from_db()
    assert sent.state == OutgoingTransaction.State.REVERTED
    return sent


def unpause(house) -> None:
    house.treasury_sends(to=house.distributor, data=calldata("unpause()"))
    house.anvil.mine(blocks=2)
    for _ in range(3):
        poke(house)


def test_an_activation_that_a_pause_made_fail_is_sent_again_after_it(house, proposed):
    approve(house, proposed)
    house.anvil.mine()
    poke(house)
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    poke(house, mine=False)
    fails_by_a_pause(house, "activate")
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.APPROVED
    unpause(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.ACTIVE


def test_what_fails_on_the_chain_again_and_again_is_said_and_sent_once_an_hour(house, proposed):
    approve(house, proposed)
    house.anvil.mine()
    poke(house)
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    poke(house, mine=False)
    failed = fails_by_a_pause(house, "activate")
    rows = OutgoingTransaction.objects.filter(pk=failed.pk)
    for number in (1, 2):  # two that failed before it, of a key that was in use then
        earlier = {"id": None, "sender": "0x" + "5" * 40, "nonce": number}
        purpose = f"{failed.purpose} refused {number}"
        OutgoingTransaction.objects.create(**rows.values().get() | earlier | {"purpose": purpose})
    unpause(house)
    proposed.refresh_from_db()
    assert proposed.state == Epoch.State.APPROVED
    assert "3 transactions failed in their block" in proposed.note
    assert failed.tx_hash in proposed.note
    assert OutgoingTransaction.objects.filter(purpose__startswith="activate").count() == 3
    rows.update(created_at=failed.created_at - timedelta(hours=1, seconds=1))
    for _ in range(3):
        poke(house)
    proposed.refresh_from_db()
    assert (proposed.state, proposed.note) == (Epoch.State.ACTIVE, "")


def test_a_proposal_that_a_pause_made_fail_is_sent_again_after_it(house, one_process):
    terms = terms_of(number=1, start_s=START_S, end_s=END_S, token=house.token)
    epoch = epoch_schedule(program=house.program, terms=terms)
    quote(house.exchange, ALICE, 1)
    house.exchange.submit(time_s=START_S)
    house.anvil.mine(time_s=END_S, blocks=5)
    poke(house)
    poke(house, mine=False)
    fails_by_a_pause(house, "propose")
    Epoch.objects.update(retry_at=None)  # a minute later
    unpause(house)
    epoch.refresh_from_db()
    assert (epoch.state, epoch.note) == (Epoch.State.PROPOSED, "")


def test_claims_that_failed_together_go_out_one_by_one_so_that_nobody_is_spoilt_twice(house, proposed):
    activated(house, proposed)
    accounts = (ALICE_PAY, ALICE_LP, BOB_PAY)
    for account in accounts:
        claim_request(program=house.program, account=account)
    tasks.relay_claims()
    together = fails_by_a_pause(house, "collect")
    assert ClaimRequest.objects.filter(attempts=1).count() == len(accounts)
    unpause(house)
    assert {account: house.balance(account) for account in accounts} == {
        ALICE_PAY: 583_334, ALICE_LP: 249_999, BOB_PAY: 166_666
    }  # fmt: skip
    sent = ChainClaim.objects.values_list("tx_hash", flat=True)
    assert len(set(sent)) == len(accounts)
    assert together.tx_hash not in sent


def test_claims_that_pass_alone_and_not_together_are_sent_in_parts_and_nobody_is_told_that_it_failed(
    house, proposed, monkeypatch
):
    """The chain changes between the dry run of the batch and those of its claims, as somebody may arrange.

    Each half is tried anew and passes: one claim, and two.
    """
    activated(house, proposed)
    accounts = (ALICE_PAY, ALICE_LP, BOB_PAY)
    for account in accounts:
        claim_request(program=house.program, account=account)
    house.anvil.send(to=house.distributor, sender=GUARDIAN, data=calldata("pause()"))
    house.anvil.mine()
    runs = []

    def changing(client, **run) -> None:
        try:
            dry_run(client, **run)
        finally:
            if not runs:
                house.treasury_sends(to=house.distributor, data=calldata("unpause()"))
                house.anvil.mine()
            runs.append(run)

    monkeypatch.setattr("onchain.relayer._dry_run", changing)
    tasks.relay_claims()
    assert len(runs) == 1 + len(accounts) + 2
    assert OutgoingTransaction.objects.filter(purpose__startswith="collect").count() == 2
    house.anvil.mine()
    for _ in range(2):
        poke(house)
    assert set(ClaimRequest.objects.values_list("state", flat=True)) == {ClaimRequest.State.DONE}
