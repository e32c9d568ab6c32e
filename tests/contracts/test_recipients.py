"""Where claims go: set by the account itself or by its signature, which counts once, here, and until its deadline."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from tests.contracts.stage import HOSTILE, NOBODY, Stage, boa, deploy, refused

KEY = "0x" + "11" * 32
ALICE = Account.from_key(KEY).address
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def now() -> int:
    return boa.env.evm.patch.timestamp


def signed(stage: Stage, recipient: str, *, account: str = ALICE, nonce: int = 0, deadline: int | None = None,
           chain_id: int | None = None, contract: str | None = None, key: str = KEY) -> bytes:  # fmt: skip
    """Sign as a wallet does (eth-account's EIP-712, not ours)."""
    fields = ["account:address", "recipient:address", "nonce:uint256", "deadline:uint256"]
    data = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "SetRecipient": [{"name": f.split(":")[0], "type": f.split(":")[1]} for f in fields],
        },
        "primaryType": "SetRecipient",
        "domain": {
            "name": "Lamplight RewardsDistributor",
            "version": "1",
            "chainId": boa.env.evm.patch.chain_id if chain_id is None else chain_id,
            "verifyingContract": str(contract or stage.contract.address),
        },
        "message": {
            "account": account,
            "recipient": recipient,
            "nonce": nonce,
            "deadline": now() + 60 if deadline is None else deadline,
        },
    }
    return bytes(Account.sign_message(encode_typed_data(full_message=data), key).signature)


def send(stage: Stage, recipient: str, signature: bytes, *, account: str = ALICE, deadline: int | None = None) -> None:
    stage.as_(stage.anyone).set_recipient_with_sig(
        account, recipient, now() + 60 if deadline is None else deadline, signature
    )


def test_a_claim_goes_to_the_recipient_that_the_account_set(stage):
    account = stage.people[0]
    assert stage.contract.recipient_of(account) == account
    stage.as_(account).set_recipient(stage.sink)
    event = stage.event("RecipientSet")
    assert (event.account, event.recipient, event.nonce) == (account, stage.sink, 0)
    stage.claim(stage.paying([600]), account, 600)
    assert stage.token.balanceOf(stage.sink) == 600
    assert stage.contract.claimed(account, stage.token.address) == 600
    stage.as_(account).set_recipient(NOBODY)
    assert stage.contract.recipient_of(account) == account
    stage.claim_many(stage.paying([700]), [(account, 700)])
    assert stage.token.balanceOf(account) == 100


def test_the_distributor_is_nobodys_recipient(stage):
    with refused("not the distributor"):
        stage.as_(stage.people[0]).set_recipient(stage.contract.address)


def test_anyone_may_send_an_accounts_signature_once(stage):
    signature = signed(stage, stage.sink)
    send(stage, stage.sink, signature)
    assert stage.contract.recipient_of(ALICE) == stage.sink
    assert stage.contract.nonces(ALICE) == 1
    with refused("wrong signature"):
        send(stage, stage.sink, signature)


def test_a_signature_is_void_once_the_account_has_set_another_recipient_itself(stage):
    signature = signed(stage, stage.sink)
    stage.as_(ALICE).set_recipient(stage.people[1])
    with refused("wrong signature"):
        send(stage, stage.sink, signature)
    assert stage.contract.recipient_of(ALICE) == stage.people[1]


def test_a_signature_counts_until_its_deadline(stage):
    deadline = now() + 10
    signature = signed(stage, stage.sink, deadline=deadline)
    boa.env.time_travel(seconds=11)
    with refused("signature expired"):
        send(stage, stage.sink, signature, deadline=deadline)
    with refused("wrong signature"):
        send(stage, stage.sink, signature, deadline=now())


def test_a_signature_for_anything_else_is_refused(stage):
    other = Stage()
    for signature in (
        signed(stage, stage.sink, chain_id=boa.env.evm.patch.chain_id + 1),
        signed(stage, stage.sink, contract=other.contract.address),
        signed(stage, stage.sink, nonce=1),
        signed(stage, stage.people[1]),
        signed(stage, stage.sink, account=stage.people[0]),
        signed(stage, stage.sink, key="0x" + "22" * 32),
        b"",
        bytes(65),
        signed(stage, stage.sink)[:64],
        signed(stage, stage.sink) + b"\x00",
    ):
        with refused("wrong signature"):
            send(stage, stage.sink, signature)


def test_a_signature_of_another_chain_is_refused_when_the_chain_forks(stage):
    signature = signed(stage, stage.sink)
    before = boa.env.evm.patch.chain_id
    boa.env.evm.patch.chain_id = before + 1
    try:
        with refused("wrong signature"):
            send(stage, stage.sink, signature)
    finally:
        boa.env.evm.patch.chain_id = before
    send(stage, stage.sink, signature)


def test_the_mirror_image_of_a_signature_is_refused(stage):
    signature = signed(stage, stage.sink)
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    mirror = r + (N - s).to_bytes(32) + bytes([55 - v])
    with refused("wrong signature"):
        send(stage, stage.sink, mirror)
    send(stage, stage.sink, signature)


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_a_signature_with_another_v_is_refused(stage, v):
    with refused("wrong signature"):
        send(stage, stage.sink, signed(stage, stage.sink)[:64] + bytes([v]))


def test_nobody_signs_for_the_zero_address(stage):
    # ecrecover answers zero when it fails.
    with refused("wrong signature"):
        send(stage, stage.sink, bytes(64) + b"\x1b", account=NOBODY)
    assert stage.contract.recipient_of(NOBODY) == NOBODY


@pytest.mark.parametrize(
    ("mode", "accepted"),
    [(0, True), (1, False), (2, False), (3, False), (4, True), (5, False)],
    ids=["says yes", "says no", "reverts", "answers four bytes", "answers much", "answers nearly yes"],
)
def test_a_contract_wallet_signs_by_erc_1271_and_only_by_its_exact_answer(stage, mode, accepted):
    wallet = deploy("hostile_wallet", folder=HOSTILE)
    wallet.set_mode(mode, NOBODY)
    if accepted:
        send(stage, stage.sink, b"whatever", account=wallet.address)
        assert stage.contract.recipient_of(wallet.address) == stage.sink
    else:
        with refused("wrong signature"):
            send(stage, stage.sink, b"whatever", account=wallet.address)


def test_a_contract_wallets_owner_signs_once_with_a_key(stage):
    wallet = deploy("hostile_wallet", folder=HOSTILE)
    wallet.set_mode(6, ALICE)
    signature = signed(stage, stage.sink, account=wallet.address)
    send(stage, stage.sink, signature, account=wallet.address)
    with refused("wrong signature"):
        send(stage, stage.sink, signature, account=wallet.address)


@pytest.mark.parametrize("account", [f"0x{number:040x}" for number in (1, 2, 4, 9)])
def test_a_precompile_is_no_wallet(stage, account):
    with refused("wrong signature"):
        send(stage, stage.sink, b"", account=account)
