"""Sending once, whatever happens: crashes, low fees, lost nonces and reorgs, on a real chain."""

import psycopg
import pytest
from django.db import connection, transaction
from eth_account import Account

from config import embedded
from onchain.errors import RpcRefusedError
from onchain.indexer import follow, node
from onchain.models import OutgoingTransaction, TransactionAttempt
from onchain.services import contract_watch
from onchain.signers import KeySigner, RemoteSigner, SignerUnreachableError
from onchain.transactions import (
    RefusedByContractError,
    Sender,
    _lock_nonces,
    broadcast,
    prepare,
    resolve,
    revert_reason,
)
from tests.chain import calldata
from tests.signer_server import remote_signer

pytestmark = pytest.mark.django_db
STATE = OutgoingTransaction.State
PROPOSER = 2
SOMEBODY = "0x" + "5" * 40


@pytest.fixture
def token(anvil):
    """A token of which the sender holds 1,000."""
    address = anvil.deploy("reward_token", ("string", "string"), ("Lamp", "LAMP"))
    mint = calldata("mint(address,uint256)", ("address", "uint256"), (anvil.accounts[PROPOSER], 1_000))
    anvil.send(data=mint, to=address)
    anvil.mine()
    contract_watch(address=address, start_block=0)
    return address


@pytest.fixture
def client(anvil):
    client = node()
    yield client
    client.close()


@pytest.fixture
def sender():
    return Sender(signer=KeySigner(embedded.test_key("proposer")), chain_id=31337)


def pay(client, sender, token, *, purpose: str = "pay", amount: int = 100) -> OutgoingTransaction:
    data = calldata("transfer(address,uint256)", ("address", "uint256"), (SOMEBODY, amount))
    with transaction.atomic():
        return prepare(client, sender=sender, purpose=purpose, to=token, data=data)


def paid(anvil, token) -> int:
    return int(anvil.call(to=token, signature="balanceOf(address)", types=("address",), values=(SOMEBODY,)), 16)


def settle(anvil, client, sender, row, *, blocks: int = 4) -> OutgoingTransaction:
    anvil.mine(blocks=blocks)
    follow(client)
    resolve(client, sender=sender)
    row.refresh_from_db()
    return row


def test_asking_twice_for_one_purpose_pays_once(anvil, client, sender, token):
    first, again = pay(client, sender, token), pay(client, sender, token)
    for row in (first, again, first):
        broadcast(client, row)
    row = settle(anvil, client, sender, first)
    assert again.pk == first.pk
    assert (row.state, row.succeeded) == (STATE.FINAL, True)
    assert paid(anvil, token) == 100
    broadcast(client, row)
    anvil.mine()
    assert paid(anvil, token) == 100


def test_what_was_stored_before_a_crash_is_sent_by_the_next_run_with_the_same_bytes(anvil, client, sender, token):
    row = pay(client, sender, token)
    anvil.mine()
    assert paid(anvil, token) == 0
    resolve(client, sender=sender)
    row = settle(anvil, client, sender, row)
    assert row.state == STATE.FINAL
    assert paid(anvil, token) == 100
    assert row.attempts.count() == 1


def test_what_the_contract_would_refuse_is_never_signed(client, sender, token):
    with pytest.raises(RefusedByContractError):
        pay(client, sender, token, amount=1_001)
    assert OutgoingTransaction.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"paused", "paused"), (b"nul \0 inside", "nul \ufffd inside"), (b"\xff", "\ufffd"), (b"", "")],
)
def test_whatever_bytes_a_contract_reverts_with_the_reason_is_text_that_can_be_kept(text, reason):
    data = calldata("Error(string)", ("bytes",), (text,))
    refused = RpcRefusedError(provider="node", method="eth_call", code=3, message="execution reverted", data=data)
    assert revert_reason(refused) == reason


@pytest.mark.parametrize("data", ["0x08c379a0" + "zz" * 70, "0x08c379a0", 7, None])
def test_an_answer_that_is_no_revert_leaves_the_nodes_own_words(data):
    refused = RpcRefusedError(provider="node", method="eth_call", code=3, message="execution\0reverted", data=data)
    assert revert_reason(refused) == "execution\ufffdreverted"


def test_two_purposes_get_two_nonces_though_neither_is_mined(anvil, client, sender, token):
    rows = [pay(client, sender, token, purpose=f"pay {number}") for number in range(3)]
    for row in reversed(rows):
        broadcast(client, row)
    assert [row.nonce - rows[0].nonce for row in rows] == [0, 1, 2]
    settle(anvil, client, sender, rows[0])
    assert paid(anvil, token) == 300


def test_a_fee_that_is_too_low_is_raised_for_the_same_nonce(anvil, client, sender, token):
    row = pay(client, sender, token)
    broadcast(client, row)
    # The price of gas jumps above what was signed: blocks go by without it.
    anvil.rpc("anvil_dropAllTransactions")
    first = row.attempts.get()
    for _ in range(13):
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(first.max_fee_wei * 3))
        anvil.mine()
    resolve(client, sender=sender)
    newest = row.attempts.last()
    assert row.attempts.count() == 2
    assert newest.max_fee_wei > first.max_fee_wei * 5 // 4 - 1
    row = settle(anvil, client, sender, row)
    assert row.state == STATE.FINAL
    assert row.tx_hash == newest.tx_hash
    assert paid(anvil, token) == 100


def test_a_nonce_that_something_else_used_is_noticed_and_the_purpose_sent_again(anvil, client, sender, token):
    row = pay(client, sender, token)
    other = Account.sign_transaction(
        {"chainId": 31337, "nonce": row.nonce, "to": bytes.fromhex("99" * 20), "value": 1, "gas": 21_000,
         "gasPrice": 10**10},
        sender.signer.key,
    )  # fmt: skip
    anvil.rpc("eth_sendRawTransaction", "0x" + bytes(other.raw_transaction).hex())
    row = settle(anvil, client, sender, row)
    assert row.state == STATE.LOST
    assert paid(anvil, token) == 0
    again = pay(client, sender, token)
    broadcast(client, again)
    settle(anvil, client, sender, again)
    assert paid(anvil, token) == 100
    assert again.nonce == row.nonce + 1


def test_a_reorg_takes_a_transaction_out_and_it_is_sent_again(anvil, client, sender, token):
    row = pay(client, sender, token)
    before = anvil.rpc("evm_snapshot")
    broadcast(client, row)
    anvil.mine()
    resolve(client, sender=sender)
    row.refresh_from_db()
    assert row.state == STATE.MINED
    anvil.rpc("evm_revert", before)
    anvil.mine()
    assert paid(anvil, token) == 0
    resolve(client, sender=sender)
    row.refresh_from_db()
    assert row.state == STATE.SIGNED
    row = settle(anvil, client, sender, row)
    assert row.state == STATE.FINAL
    assert paid(anvil, token) == 100


def test_a_transaction_that_reverts_is_known_as_refused_once_it_is_final(anvil, client, sender, token):
    row = pay(client, sender, token, amount=600)
    rival = pay(client, sender, token, purpose="rival", amount=600)
    broadcast(client, row)
    broadcast(client, rival)
    settle(anvil, client, sender, row)
    rival.refresh_from_db()
    assert rival.state == STATE.REVERTED
    assert paid(anvil, token) == 600


def test_a_replacement_raises_both_fees_by_what_nodes_ask_for_however_small_they_are(anvil, client, sender, token):
    """geth and its relatives replace a transaction only if both fees rise by 10%; a tip of 1 wei has to become 2."""
    row = pay(client, sender, token)
    TransactionAttempt.objects.filter(transaction=row).update(priority_fee_wei=1, max_fee_wei=10**9 + 1)
    anvil.rpc("anvil_dropAllTransactions")
    anvil.mine(blocks=13)
    resolve(client, sender=sender)
    first, second = row.attempts.order_by("pk")
    assert second.priority_fee_wei >= 2
    for before, after in ((first.priority_fee_wei, second.priority_fee_wei), (first.max_fee_wei, second.max_fee_wei)):
        assert after * 10 >= before * 11
    assert second.priority_fee_wei <= second.max_fee_wei


def test_fees_end_at_the_most_that_we_pay_and_the_transaction_waits(anvil, client, sender, token, settings):
    row = pay(client, sender, token)
    settings.MAX_FEE_GWEI = row.attempts.get().max_fee_wei // 10**9
    anvil.rpc("anvil_dropAllTransactions")
    anvil.mine(blocks=13)
    resolve(client, sender=sender)
    assert row.attempts.count() == 1
    anvil.mine()
    assert paid(anvil, token) == 100


def test_a_remote_signer_sends_like_a_key_and_one_that_is_down_leaves_nothing_behind(anvil, client, token):
    key = embedded.test_key("proposer")
    address = KeySigner(key).address
    with remote_signer(key) as url:
        remote = Sender(signer=RemoteSigner(url, address), chain_id=31337)
        row = pay(client, remote, token)
        broadcast(client, row)
        assert settle(anvil, client, remote, row).state == STATE.FINAL
    with pytest.raises(SignerUnreachableError):
        pay(client, remote, token, purpose="later")
    assert OutgoingTransaction.objects.count() == 1
    assert paid(anvil, token) == 100


def test_two_processes_that_ask_at_once_get_two_nonces(sender):
    """The lock on an account's nonces is the database's: a second session waits for the first one's end."""
    name = f"nonces {sender.chain_id} {sender.address}"
    with transaction.atomic():
        _lock_nonces(sender)
        options = connection.get_connection_params()
        options.pop("cursor_factory", None)
        options.pop("context", None)
        with psycopg.connect(**options) as other:
            taken = other.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name]).fetchone()
    assert taken == (False,)
