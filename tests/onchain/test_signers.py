"""A role's key from the environment, from an encrypted file, from a remote signer; and what is wrong in plain words."""

import json

import pytest
from eth_account import Account

from config import embedded
from onchain.errors import OnchainError
from onchain.signers import KeySigner, RemoteSigner, SignerConfig, SignerError, SignerUnreachableError
from tests.signer_server import remote_signer

KEY = embedded.test_key("proposer")
ADDRESS = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"  # account 2 of anvil's own mnemonic
TRANSACTION = {
    "chainId": 31337, "nonce": 7, "to": "0x" + "5" * 40, "value": 0, "data": "0xa9059cbb", "gas": 21_000,
    "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def keystore(tmp_path_factory):
    """An encrypted keystore as wallets write it; few rounds, since the tests only have to open it."""
    path = tmp_path_factory.mktemp("keys") / "proposer.json"
    path.write_text(json.dumps(Account.encrypt(KEY, "three lamps", kdf="pbkdf2", iterations=10)))
    return path


def config(**fields) -> SignerConfig:
    return SignerConfig(role="PROPOSER", **fields)


def test_each_source_of_the_key_signs_the_same_bytes_as_the_same_account(keystore, tmp_path):
    password = tmp_path / "password"
    password.write_text("three lamps\n")
    with remote_signer(KEY) as url:
        signers = [
            config(key=KEY).signer(),
            config(keystore=str(keystore), password="three lamps").signer(),
            config(keystore=str(keystore), password_file=str(password)).signer(),
            config(url=url, address=ADDRESS.upper().replace("0X", "0x")).signer(),
        ]
        signed = [signer.sign(TRANSACTION) for signer in signers]
    assert {signer.address for signer in signers} == {ADDRESS}
    assert len(set(signed)) == 1
    assert Account.recover_transaction(signed[0].raw).lower() == ADDRESS


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, "PROPOSER_KEY"),
        ({"key": KEY, "url": "http://localhost:1"}, "set one of them"),
        ({"key": "0x12"}, "not 32 bytes"),
        ({"url": "http://localhost:1"}, "PROPOSER_ADDRESS"),
        ({"keystore": "/nowhere/key.json"}, "PROPOSER_KEYSTORE"),
        ({"keystore": "/nowhere/key.json", "password_file": "/nowhere/word"}, "PROPOSER_KEYSTORE_PASSWORD_FILE"),
    ],
)
def test_what_is_missing_or_wrong_is_named(fields, names):
    with pytest.raises(SignerError, match=names):
        config(**fields).signer()


def test_a_wrong_password_and_a_file_that_is_no_keystore_are_told_apart(keystore, tmp_path):
    with pytest.raises(SignerError, match="the password is wrong"):
        config(keystore=str(keystore), password="two lamps").signer()
    text = tmp_path / "key.txt"
    text.write_text(KEY)
    with pytest.raises(SignerError, match="not an encrypted keystore") as caught:
        config(keystore=str(text), password="x").signer()
    assert KEY[2:] not in str(caught.value)


def test_no_key_or_password_or_url_with_its_token_is_ever_shown():
    shown = repr(config(key=KEY, password="three lamps", url="https://signer/?token=abc"))
    shown += repr(KeySigner(KEY)) + repr(RemoteSigner("https://signer/?token=abc", ADDRESS))
    for secret in (KEY[2:], "three lamps", "token=abc"):
        assert secret not in shown
    with pytest.raises(SignerError) as caught:
        config(key=KEY[:-1]).signer()
    assert KEY[2:20] not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("to", "0x" + "6" * 40), ("value", "0x1"), ("nonce", "0x8"), ("data", "0x"), ("chainId", "0x1"),
     ("maxFeePerGas", hex(10**12)), ("gas", hex(30_000))],
)  # fmt: skip
def test_a_remote_signer_that_signs_something_else_is_not_believed(field, value):
    with (
        remote_signer(KEY, tamper=lambda fields: fields.update({field: value})) as url,
        pytest.raises(SignerError, match=field),
    ):
        RemoteSigner(url, ADDRESS).sign(TRANSACTION)


def test_a_remote_signer_without_the_key_refuses_and_one_that_is_down_may_be_asked_again():
    with remote_signer() as url, pytest.raises(SignerError, match="Could not find signer") as refused:
        RemoteSigner(url, ADDRESS).sign(TRANSACTION)
    assert not refused.value.retryable
    with pytest.raises(SignerUnreachableError) as down:
        RemoteSigner(url, ADDRESS).sign(TRANSACTION)
    assert down.value.retryable
    assert isinstance(down.value, OnchainError)
