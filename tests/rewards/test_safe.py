"""Signatures for a real Safe: whose they are, what it accepts, and the file that its own page imports."""

import copy

import pytest
from django.test import Client
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from config import embedded
from onchain.indexer import node
from onchain.models import OutgoingTransaction
from onchain.safe import MULTI_SEND_CODE_HASHES, InnerCall, SafeTx, is_multi_send, multi_send_calldata, read_safe
from onchain.signers import KeySigner
from onchain.transactions import Sender
from rewards.errors import SignatureRefusedError
from rewards.models import Epoch, EpochCheck, EpochStatistics, EpochVerdict, Program, SafeSignature, SafeTransaction
from rewards.selectors.checks import CHECK_LABELS
from rewards.services.safe import safe_execute, safe_tx_of
from rewards.services.safe_export import builder_file, with_checksum
from rewards.services.safe_signatures import safe_signature_add
from rewards.services.sanctions import sanctions_load
from tests.chain import calldata
from tests.operators import OPERATOR
from tests.reviewing import put_forward, somebody
from tests.safe_contracts import safe_kit

pytestmark = pytest.mark.django_db
ANN, BEN, STRANGER = (Account.from_key("0x" + digit * 64) for digit in "123")
KIND = SafeSignature.Kind


@pytest.fixture
def kit(anvil):
    return safe_kit(anvil)


@pytest.fixture
def client(anvil):
    client = node()
    yield client
    client.close()


@pytest.fixture
def board(kit):
    """A Safe of two keys and one contract wallet (a Safe of Ben's); two of the three have to sign."""
    wallet = kit.make([BEN.address], 1, salt=5)
    return kit.make([ANN.address, BEN.address, wallet], 2), wallet


def stored_call(safe: str, *, nonce: int = 0) -> SafeTransaction:
    """A Safe transaction that calls nobody in particular, as the service would keep it."""
    program = Program.objects.create(
        slug="p", name="P", chain_id=31337, distributor="0x" + "d" * 40, token="0x" + "7" * 40, token_symbol="T"
    )
    epoch = Epoch.objects.create(
        program=program, number=1, start_ms=0, end_ms=1, terms_json="{}", terms_sha256="0" * 64, budget=1,
        digest="0x" + "9" * 64, state=Epoch.State.PROPOSED, root="0x" + "8" * 64, manifest_hash="0x" + "7" * 64,
    )  # fmt: skip
    EpochStatistics.objects.create(epoch=epoch, root=epoch.root, manifest_hash=epoch.manifest_hash, document={})
    EpochCheck.objects.bulk_create(
        EpochCheck(epoch=epoch, stage=EpochCheck.Stage.APPROVAL, code=code, passed=True) for code in CHECK_LABELS
    )
    put_forward(epoch)
    fields = [
        {"name": "epoch", "type": "uint256", "value": "1"},
        {"name": "digest", "type": "bytes32", "value": epoch.digest},
    ]
    data = calldata("approve(uint256,bytes32)", ("uint256", "bytes32"), (1, bytes.fromhex(epoch.digest[2:])))
    call = {"to": program.distributor, "function": "approve(uint256,bytes32)", "data": data, "fields": fields}
    built = SafeTx(chain_id=31337, safe=safe, to=program.distributor, data=data, operation=0, nonce=nonce)
    return SafeTransaction.objects.create(
        epoch=epoch, digest=epoch.digest, safe=safe, nonce=nonce, to=built.to, data=data, operation=0, calls=[call],
        safe_tx_hash=built.hash,
    )  # fmt: skip


def typed(stored: SafeTransaction, signer) -> str:
    message = encode_typed_data(full_message=safe_tx_of(stored).typed_data)
    return "0x" + signer.sign_message(message).signature.hex().removeprefix("0x")


def eth_sign(stored: SafeTransaction, signer) -> str:
    message = encode_defunct(bytes.fromhex(stored.safe_tx_hash[2:]))
    return "0x" + signer.sign_message(message).signature.hex().removeprefix("0x")


def test_our_hash_is_the_safes_own_and_that_of_a_second_library(kit, board):
    stored = stored_call(board[0])
    own = kit.hash_of(board[0], to=stored.to, data=stored.data, operation=0, nonce=0)
    assert stored.safe_tx_hash == own
    signable = encode_typed_data(full_message=safe_tx_of(stored).typed_data)
    assert Account._recover_hash(bytes.fromhex(own[2:]), signature=typed(stored, ANN)) == ANN.address
    assert safe_tx_of(stored).preimage == b"\x19\x01" + signable.header + signable.body


def test_owners_sign_as_typed_data_by_eth_sign_and_as_a_contract_and_the_safe_executes(kit, board, client, anvil):
    safe, wallet = board
    stored = stored_call(safe)
    assert (
        safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=typed(stored, ANN)).kind
        == KIND.TYPED
    )
    assert (
        safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=eth_sign(stored, BEN)).kind
        == KIND.MESSAGE
    )
    inner = kit.message_hash(wallet, safe_tx_of(stored).preimage)
    bens = Account._sign_hash(inner, private_key=BEN.key).signature.hex().removeprefix("0x")
    row = safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature="0x" + bens, owner=wallet)
    assert (row.kind, row.owner) == (KIND.CONTRACT, wallet)
    assert stored.signatures.count() == 3
    # All three ways count: any two are enough, whichever they are.
    ann, ben = ANN.address.lower(), BEN.address.lower()
    sender = Sender(signer=KeySigner(embedded.test_key("relayer")), chain_id=31337)
    for pair in ((ann, wallet), (ben, wallet), (ann, ben)):
        snapshot = anvil.rpc("evm_snapshot")
        kept = list(stored.signatures.exclude(owner__in=pair))
        stored.signatures.exclude(owner__in=pair).delete()
        info = read_safe(client=client, address=safe)
        assert safe_execute(client, stored=stored, info=info, sender=sender), stored.note
        anvil.mine()
        assert read_safe(client=client, address=safe).nonce == 1, pair
        anvil.rpc("evm_revert", snapshot)
        for signature in kept:
            signature.save(force_insert=True)
        SafeTransaction.objects.update(state="collecting", transaction=None)
        OutgoingTransaction.objects.all().delete()
        stored.refresh_from_db()


def test_a_stranger_a_wrong_wallet_and_bytes_that_mean_nothing_are_not_taken(kit, board, client):
    safe, wallet = board
    stored = stored_call(safe)
    refused = {
        typed(stored, STRANGER): "", eth_sign(stored, STRANGER): "", "0x12": "", "zz": "", "": "",
        "0x" + "00" * 65: "", "0x" + "ab" * 65: wallet, typed(stored, BEN): wallet, "0x01": STRANGER.address,
        "0x" + "01" * 5000: wallet,
    }  # fmt: skip
    for signature, owner in refused.items():
        with pytest.raises(SignatureRefusedError):
            safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=signature, owner=owner)
    other = copy.copy(stored)
    other.nonce = 1
    with pytest.raises(SignatureRefusedError):
        safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=typed(other, ANN))
    assert stored.signatures.count() == 0


def test_after_a_correction_the_old_transaction_takes_no_signature_though_the_new_result_is_put_forward(board, client):
    stored, tess = stored_call(board[0]), somebody("treasurer")
    for state in (Epoch.State.VETOED, Epoch.State.LIVE):
        Epoch.objects.update(state=state)
    Epoch.objects.update(state=Epoch.State.SCORED, root="0x" + "5" * 64, manifest_hash="0x" + "4" * 64)
    Epoch.objects.update(state=Epoch.State.PROPOSED, digest="0x" + "3" * 64)
    epoch = Epoch.objects.get()
    EpochStatistics.objects.update(root=epoch.root, manifest_hash=epoch.manifest_hash)
    put_forward(epoch)
    for as_it_was_read in (stored, SafeTransaction.objects.get()):
        with pytest.raises(SignatureRefusedError, match="a result of epoch 1 that no longer waits"):
            safe_signature_add(client, by=tess, stored=as_it_was_read, signature=typed(stored, ANN))
    assert not EpochVerdict.objects.filter(kind="approve").exists()


def test_while_a_check_has_failed_or_is_to_be_made_again_no_signature_is_taken_or_asked_for(board, client):
    stored, tess = stored_call(board[0]), somebody("treasurer")
    browser = Client()
    browser.force_login(tess)
    assert browser.get("/treasury/epochs/p/1/safe/batch.json").status_code == 200
    sanctions_load(by=OPERATOR, content=b"# source: A\n# as_of: 2026-11-20\naddress,name\n", now_ms=0)
    with pytest.raises(SignatureRefusedError, match="checks have not all been made again"):
        safe_signature_add(client, by=tess, stored=stored, signature=typed(stored, ANN))
    assert browser.get("/treasury/epochs/p/1/safe/batch.json").status_code == 404


def test_one_signature_is_not_enough_and_the_same_owner_counts_once(board, client):
    stored = stored_call(board[0])
    safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=typed(stored, ANN))
    safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=eth_sign(stored, ANN))
    assert stored.signatures.count() == 1
    info = read_safe(client=client, address=board[0])
    assert not safe_execute(client, stored=stored, info=info, sender=None)


def test_a_nonce_that_is_past_takes_no_signature(board, client):
    stored = stored_call(board[0], nonce=3)
    with pytest.raises(SignatureRefusedError, match="nonce"):
        safe_signature_add(client, by=somebody("treasurer"), stored=stored, signature=typed(stored, ANN))


def test_only_safes_own_multi_send_is_run_as_the_safe(kit, client, anvil):
    assert is_multi_send(client=client, address=kit.multi_send)
    for other in (kit.singleton, kit.handler, anvil.accounts[0]):
        assert not is_multi_send(client=client, address=other)
    assert len(MULTI_SEND_CODE_HASHES) == 2


def test_a_batch_is_laid_out_as_multi_send_reads_it():
    """Operation, address, value, length and data of each call, without padding (MultiSendCallOnly.sol)."""
    calls = [
        InnerCall(to="0x" + "11" * 20, function="f()", data="0xaabb"),
        InnerCall(to="0x" + "22" * 20, function="g()", data="0x"),
    ]
    packed = "00" + "11" * 20 + "00" * 32 + f"{2:064x}" + "aabb" + "00" + "22" * 20 + "00" * 32 + f"{0:064x}"
    assert multi_send_calldata(calls=calls) == calldata("multiSend(bytes)", ("bytes",), (bytes.fromhex(packed),))


VECTOR = {
    # checksum.test.ts of Safe's Transaction Builder
    "version": "1.0", "chainId": "4", "createdAt": 1646321521061,
    "meta": {
        "name": "test batch file", "txBuilderVersion": "1.4.0", "checksum": "",
        "createdFromSafeAddress": "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa",
        "createdFromOwnerAddress": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6",
    },
    "transactions": [
        {"to": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6", "value": "0",
         "contractMethod": {"inputs": [{"internalType": "address", "name": "paramAddress", "type": "address"}],
                            "name": "testAddress", "payable": False},
         "contractInputsValues": {"paramAddress": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6"}},
        {"to": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6", "value": "0",
         "contractMethod": {"inputs": [{"internalType": "bool", "name": "paramBool", "type": "bool"}],
                            "name": "testBool", "payable": False},
         "contractInputsValues": {"paramAddress": "", "paramBool": "false"}},
        {"to": "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6", "value": "2000000000000000000",
         "data": "0x42f4579000000000000000000000000049d4450977e2c95362c13d3a31a09311e0ea26a6"},
    ],
}  # fmt: skip


def test_the_file_for_the_transaction_builder_has_the_checksum_that_it_looks_for():
    assert with_checksum(VECTOR)["meta"]["checksum"] == (
        "0x4ecbfd364aa6759983915644e73f8bd411e85a2dc306f252a387c2728c4db64c"
    )


def test_the_file_says_the_call_in_words_and_in_bytes():
    stored = stored_call("0x" + "5" * 40)
    file = builder_file(stored=stored)
    call = file["transactions"][0]
    assert (call["to"], call["data"], call["contractMethod"]["name"]) == (stored.to, stored.data, "approve")
    assert call["contractInputsValues"] == {"epoch": "1", "digest": stored.digest}
    without = {**file, "meta": {key: value for key, value in file["meta"].items() if key != "checksum"}}
    assert with_checksum(without) == file
