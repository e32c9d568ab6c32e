"""A maker enrols, proves three wallets and names a vault, end to end on a chain: 200 holders come, go and collect."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command

from accounts.models import MakerAddress
from rewards.models import Allocation, Entitlement, Epoch, EpochVault, Payment
from rewards.services.programs import epoch_schedule
from tests.accounts.enrolling import Asker, asker, decide, operator, said
from tests.accounts.people import key
from tests.chain import calldata
from tests.e2e.test_money import CLAIM
from tests.rewards.conftest import BOB, BOB_PAY, DELAY_S, House, house, one_process
from tests.rewards.test_publishing import approve, books, poke
from tests.rewards.test_scoring import HOUR_S, START_S, terms_of
from tests.shares import ShareVault, holder_of

__all__ = ["house", "one_process"]
pytestmark = pytest.mark.django_db
MIDDLE_S, END_S = START_S + 2 * HOUR_S, START_S + 4 * HOUR_S
MAKER = "lantern"
KEYS = tuple(key(number) for number in (31, 32, 33))
WALLETS = tuple(account.address.lower() for account in KEYS)
OPERATOR = "0x" + "0e" * 20
HOLDERS = [holder_of(number) for number in range(200)]
LEAVES_FIRST, BUYS_LAST, NEW_HOLDERS = HOLDERS[0], HOLDERS[1], HOLDERS[150:]
BUDGET = 400_000_003


def enrolled() -> Asker:
    """Lantern asks on the page, proves three wallets by their signatures, and an operator accepts."""
    person = asker()
    person.ask()
    for account in KEYS:
        assert "is proven" in person.prove(account)
    assert "is enrolled" in decide(operator(), person.page, "accept")
    return person


def name_vault(person: Asker, vault: ShareVault) -> None:
    """The maker's admin, who asked for it, names the vault on its page."""
    fields = {"action": "name", "vault": vault.address, "operator": OPERATOR}
    assert "pay the holders of" in said(person.client.post(f"/makers/{MAKER}/vault/", fields, follow=True))


def quote_three(house: House) -> None:
    for number, owner in enumerate((*WALLETS, BOB)):
        house.exchange.place(10 * number + 1, owner=owner, side="bid", price=9_990, size=30 + number)
        house.exchange.place(10 * number + 2, owner=owner, side="ask", price=10_010, size=30 + number)
    house.exchange.send()


def churn(vault: ShareVault, rng: Random, *, from_s: int, people: list[str]) -> None:
    """A block with a few deposits, gifts and redemptions of random people, at an odd second."""
    for holder in rng.sample(people, 25):
        balance = vault.balance(holder)
        act = rng.choice(("deposit", "give", "redeem"))
        if act == "deposit" or not balance:
            vault.deposit(holder, rng.randint(10**15, 10**21))
        elif act == "give":
            vault.give(holder, rng.choice(people), rng.randint(1, balance))
        else:
            vault.redeem(holder, rng.choice((balance, rng.randint(1, balance))))
    vault.anvil.mine(time_s=from_s)


def claim_all(house: House, epoch: Epoch) -> None:
    """Send the claim of everybody who gains, each in a transaction of its own; it pays the account that it names."""
    leaves = list(Entitlement.objects.filter(epoch=epoch))
    sent = []
    for leaf in (leaf for leaf in leaves if leaf.increment):
        proof = [bytes.fromhex(node[2:]) for node in leaf.proof]
        types = ("address", "address", "uint256", "bytes32[]")
        values = (leaf.account, house.token, leaf.cumulative, proof)
        sent.append(house.anvil.send(data=calldata(CLAIM, types, values), to=house.distributor, sender=7))
    house.anvil.mine()
    receipts = [house.anvil.rpc("eth_getTransactionReceipt", hash_) for hash_ in sent]
    assert {receipt["status"] for receipt in receipts} == {"0x1"}
    assert {leaf.account: house.balance(leaf.account) for leaf in leaves} == {
        leaf.account: leaf.cumulative for leaf in leaves
    }


def expected_parts(vault: ShareVault, holders: list[str], *, pay: int, start_s: int, end_s: int) -> dict[str, int]:
    """Split the maker's pay by what the chain itself says of every balance after every block."""
    weights = vault.slow_weights(holders, start_s=start_s, end_s=end_s)
    whole = sum(weights.values())
    parts = {holder: pay * weight // whole for holder, weight in weights.items()}
    parts[OPERATOR] = pay - sum(parts.values())
    return {account: part for account, part in parts.items() if part}


def paid_through(epoch: Epoch) -> dict[str, int]:
    rows = Payment.objects.filter(epoch=epoch, maker=MAKER)
    assert set(rows.values_list("vault", flat=True)) <= {EpochVault.objects.get(epoch=epoch).vault}
    return dict(rows.values_list("account", "amount"))


def test_two_hundred_holders_of_a_vault_collect_two_epochs_to_the_unit(house, one_process, settings):
    rng = Random(6)
    vault = ShareVault.deploy(house.anvil)
    contract = ShareVault.deploy(house.anvil, name="A vault of vaults").address
    everybody = [*HOLDERS, contract]
    vault.fund(*HOLDERS)
    house.anvil.mine()
    for holder in HOLDERS[:150]:
        if holder != BUYS_LAST:
            vault.deposit(holder, rng.randint(10**18, 10**22))
    house.anvil.mine()
    vault.give(HOLDERS[2], contract, vault.balance(HOLDERS[2]) // 2)
    house.anvil.mine()
    for number, (start_s, end_s) in enumerate(((START_S, MIDDLE_S), (MIDDLE_S, END_S)), 1):
        terms = terms_of(number=number, start_s=start_s, end_s=end_s, token=house.token, budget=str(BUDGET))
        epoch_schedule(program=house.program, terms=terms)
    house.index()
    name_vault(enrolled(), vault)
    assert set(MakerAddress.objects.filter(maker__slug=MAKER).values_list("address", "since_ms")) == {
        (wallet, START_S * 1000) for wallet in WALLETS
    }

    # The first epoch: one leaves in its first block, one buys in its last, many come, give and go in between.
    vault.redeem(LEAVES_FIRST, vault.balance(LEAVES_FIRST))
    quote_three(house)
    house.anvil.mine(time_s=START_S)
    for step in range(5):
        churn(vault, rng, from_s=START_S + 601 + 977 * step, people=HOLDERS[2:150])
    vault.deposit(BUYS_LAST, 10**21)
    house.anvil.mine(time_s=MIDDLE_S - 1)
    # The second: fifty more come with its first block, and half of the first holder's friends go.
    for holder in NEW_HOLDERS:
        vault.deposit(holder, 10**20)
    house.anvil.mine(time_s=MIDDLE_S)
    house.anvil.mine(blocks=4)
    for _ in range(3):
        poke(house)
    first = Epoch.objects.get(number=1)
    assert first.state == Epoch.State.PROPOSED, first.note
    pay = Allocation.objects.get(epoch=first, maker=MAKER).payout
    parts = expected_parts(vault, everybody, pay=pay, start_s=START_S, end_s=MIDDLE_S)
    assert paid_through(first) == parts
    assert sum(parts.values()) == pay
    assert LEAVES_FIRST not in parts
    assert 0 < parts[BUYS_LAST] < max(parts.values()) // 1000
    row = EpochVault.objects.get(epoch=first)
    assert (row.contracts, row.dust, row.amount) == ([contract], parts[OPERATOR], pay)
    assert row.supply == int(house.anvil.call(to=vault.address, signature="totalSupply()"), 16) - sum(
        vault.balance(holder) for holder in NEW_HOLDERS
    )
    assert 0 < parts[OPERATOR] < row.holders

    approve(house, first)
    house.anvil.mine()
    poke(house)
    house.anvil.mine(time_s=MIDDLE_S + 2 * DELAY_S)
    poke(house)
    poke(house)
    first.refresh_from_db()
    assert first.state == Epoch.State.ACTIVE
    claim_all(house, first)
    assert sum(house.balance(account) for account in parts) == pay
    assert house.balance(vault.address) == 0

    for step in range(5):
        churn(vault, rng, from_s=MIDDLE_S + 2 * HOUR_S - 3000 + 301 * step, people=HOLDERS)
    house.anvil.mine(time_s=END_S, blocks=5)
    for _ in range(3):
        poke(house)
    second = Epoch.objects.get(number=2)
    assert second.state == Epoch.State.PROPOSED, second.note
    pay_2 = Allocation.objects.get(epoch=second, maker=MAKER).payout
    parts_2 = expected_parts(vault, everybody, pay=pay_2, start_s=MIDDLE_S, end_s=END_S)
    assert paid_through(second) == parts_2
    assert set(NEW_HOLDERS) <= set(parts_2)
    approve(house, second)
    house.anvil.mine()
    poke(house)
    house.anvil.mine(time_s=END_S + 2 * DELAY_S)
    poke(house)
    poke(house)
    second.refresh_from_db()
    assert second.state == Epoch.State.ACTIVE
    claim_all(house, second)
    collected = {account: house.balance(account) for account in {*parts, *parts_2}}
    assert sum(collected.values()) == pay + pay_2
    assert collected[OPERATOR] == parts[OPERATOR] + parts_2[OPERATOR]
    # Bob is paid as ever; then the distributor is empty to the last unit.
    assert house.balance(BOB_PAY) == first.paid_total + second.paid_total - pay - pay_2
    assert house.balance(house.distributor) == 0
    poke(house)
    assert books(house)["claimable"] == 0
    for epoch in (first, second):
        bundle = Path(settings.EVIDENCE_DIR) / epoch.evidence_name
        call_command("verify_epoch", str(bundle), "--rpc", house.anvil.url)
    alone = subprocess.run(
        [sys.executable, "-m", "rewards.engine", "verify", str(bundle)], cwd=settings.BASE_DIR, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert alone.stdout.split()[-1] == second.root
