"""Every error on the way to somebody's money is a sentence that says what to do, and none of them speaks jargon."""

import re
from pathlib import Path

import pytest

import onchain.contracts
from onchain import direct, errors, signers, transactions  # noqa: F401 - their classes belong to the tree
from rewards.trouble import (
    CLASSES,
    CODES,
    CONTRACT,
    Trouble,
    trouble_of_error,
    trouble_of_reason,
    trouble_of_text,
    wallet_words,
)

CONTRACT_SOURCE = Path(onchain.contracts.__file__).parent / "rewards_distributor.vy"
JARGON = ("gas", "merkle", "proof", "root", "epoch", "wei", "nonce", "revert", "rpc", "calldata", "chain")
# What to do now is among these in every sentence: press, wait, try, or rest assured.
ADVICE = (
    "try again",
    "press",
    "reload",
    "leave the page",
    "goes on by itself",
    "your claim stays",
    "it goes out as soon",
)


def tree(base: type[errors.OnchainError] = errors.OnchainError) -> list[type[errors.OnchainError]]:
    return [each for child in base.__subclasses__() for each in (child, *tree(child))]


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_chain_has_a_sentence_of_its_own_or_of_its_branch(kind):
    assert any(each in CLASSES for each in kind.__mro__), kind
    bare = kind.__new__(kind)
    bare.reason, bare.failures = "anything", ()
    assert trouble_of_error(bare) in Trouble


@pytest.mark.parametrize("trouble", list(Trouble), ids=lambda trouble: trouble.name)
def test_every_sentence_ends_says_what_to_do_and_speaks_no_jargon(trouble):
    assert trouble.endswith(".")
    assert any(advice in trouble.lower() for advice in ADVICE), trouble
    for word in JARGON:
        assert not re.search(rf"\b{word}s?\b", trouble.lower()), word


def test_every_reason_that_the_contract_can_give_means_something():
    """The texts as the contract's source has them, beside their numbers."""
    texts = re.findall(r'constant\(uint256\) = \d+  # "([^"]+)"', CONTRACT_SOURCE.read_text())
    assert len(texts) > 30
    assert set(CONTRACT) <= set(texts)
    met = {text: trouble_of_reason(text) for text in texts}
    assert met["paused"] is Trouble.PAUSED
    assert met["nothing to claim"] is Trouble.ALREADY
    assert met["wrong proof"] is Trouble.NEW_FIGURES
    # What only a proposer, a guardian or the treasury can meet is our side's to look at.
    assert {met[text] for text in ("quorum too large", "not your role", "wrong digest")} == {Trouble.OUR_SIDE}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        # anvil, geth, erigon, nethermind and MetaMask, as their sources and users have them
        ("Insufficient funds for gas * price + value", Trouble.NO_FEE_MONEY),
        ("insufficient funds for transfer", Trouble.NO_FEE_MONEY),
        ("gas required exceeds allowance (0): insufficient funds", Trouble.NO_FEE_MONEY),
        ("nonce too low: next nonce 5, tx nonce 4", Trouble.BUSY_WALLET),
        ("replacement transaction underpriced", Trouble.BUSY_WALLET),
        ("MetaMask Tx Signature: User denied transaction signature.", Trouble.DECLINED),
        ("Request of type 'wallet_requestPermissions' already pending", Trouble.PENDING_QUESTION),
        ('Unrecognized chain ID "0x7a69".', Trouble.WRONG_NETWORK),
        ("execution reverted: nothing to claim", Trouble.ALREADY),
        ("execution reverted: paused", Trouble.PAUSED),
        ("execution reverted", Trouble.REFUSED),
        ("Failed to fetch", Trouble.NODE_AWAY),
        ("something that nobody has said yet", None),
    ],
)
def test_what_nodes_and_wallets_say_is_understood(words, meant):
    assert trouble_of_text(words) is meant


def test_what_the_relayer_lacks_is_not_put_on_the_reader():
    refused = transactions.RefusedByContractError(
        purpose="collect", reason="Insufficient funds for gas * price + value"
    )
    assert trouble_of_error(refused) is Trouble.OUR_FEE_MONEY
    away = errors.NoProviderError(
        method="eth_call", failures=[errors.RpcUnreachableError(provider="node", method="eth_call", reason="no answer")]
    )
    assert trouble_of_error(away) is Trouble.NODE_AWAY
    assert trouble_of_error(errors.WrongChainError("the node serves another chain")) is Trouble.OUR_SIDE


def test_the_page_gets_every_word_and_code_with_its_sentence():
    given = wallet_words()
    assert set(CODES) == {int(code) for code in given["codes"]}
    # EIP-1193's five, EIP-3085's unknown network, and JSON-RPC's own.
    assert {4001, 4100, 4200, 4900, 4901, 4902, -32002, -32603} <= set(CODES)
    assert all(sentence in set(Trouble) for _, sentence in given["words"])
