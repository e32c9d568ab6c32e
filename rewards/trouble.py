"""What went wrong with a collection, in sentences for whoever collects: what it means, and what to do now.

One table for all of them: the contract's refusals, nodes' answers, our own errors, and what wallets say (EIP-1193).
Whatever the page or a wallet meets is looked up here; nothing that a machine said is shown as it is.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from onchain import errors
from onchain.direct import NotMinedError
from onchain.signers import SignerError
from onchain.transactions import RefusedByContractError


class Trouble(StrEnum):
    """Everything that can stand between somebody and their money; the value is what the page says."""

    DECLINED = "You declined it in the wallet. Nothing was sent; press the button again whenever you like."
    NO_FEE_MONEY = (
        "Your wallet has too little of the network’s own coin to pay the network’s fee. Press “Collect, free” "
        "instead: then we pay it. Or add a little of that coin to the wallet and try again."
    )
    WRONG_NETWORK = (
        "Your wallet is on another network. Let it switch when it asks, or choose the right network in it, "
        "and try again."
    )
    UNKNOWN_NETWORK = (
        "Your wallet does not know this network yet. Add it in the wallet’s settings, or press “Collect, free”, "
        "which needs no wallet."
    )
    BUSY_WALLET = (
        "Your wallet still has another transaction under way. Let that one finish, or cancel it in the wallet, "
        "and try again."
    )
    PENDING_QUESTION = "Your wallet already asks you something. Open it, answer there, and try again."
    LOCKED_WALLET = "Your wallet does not let this page in. Open it, unlock it, allow this site, and try again."
    UNABLE_WALLET = "Your wallet can’t send this. Use another wallet, or press “Collect, free”, which needs none."
    PAUSED = "Collecting is paused just now. Your money is safe, and it goes on by itself afterwards."
    ALREADY = "This has been collected already, maybe in another window. Reload the page to see where it is."
    NEW_FIGURES = "New rewards have just been added. Try again in a minute."
    NOT_FUNDED = "The distributor has too little of the token. We have been told; your claim stays."
    PAYMENT_REFUSED = (
        "The token refused to pay this address. Ask whoever issues the token why, then try again; your claim stays."
    )
    OUR_FEE_MONEY = (
        "We can’t pay the network’s fee at the moment; we have been told. It goes out as soon as we can, or collect it "
        "yourself with your own wallet."
    )
    NODE_AWAY = (
        "We can’t reach the network at the moment. Nothing is lost: leave the page or stay, it is tried again "
        "by itself."
    )
    SLOW = "The network has not taken it yet. Wait a few minutes and reload the page; it can’t be paid twice."
    OUR_SIDE = (
        "Something on our side needs a person to look at it; we have been told. Your money is safe. Try again later."
    )
    REFUSED = "The network did not accept it, and nothing was paid. Reload the page and try again; your money is safe."


CONTRACT: Final[Mapping[str, Trouble]] = {
    "paused": Trouble.PAUSED,
    "nothing to claim": Trouble.ALREADY,
    "wrong proof": Trouble.NEW_FIGURES,
    "not the active root": Trouble.NEW_FIGURES,
    "not funded": Trouble.NOT_FUNDED,
    "transfer failed": Trouble.PAYMENT_REFUSED,
    "too little gas": Trouble.REFUSED,
}
"""The contract's short texts that collecting can meet; all its others mean that something is wrong on our side."""

# In the order in which they are looked for: what several kinds of node and wallet say, in lower case.
WORDS: Final[tuple[tuple[str, Trouble], ...]] = (
    *CONTRACT.items(),
    ("user rejected", Trouble.DECLINED),
    ("user denied", Trouble.DECLINED),
    ("rejected by user", Trouble.DECLINED),
    ("insufficient funds", Trouble.NO_FEE_MONEY),
    ("insufficient balance", Trouble.NO_FEE_MONEY),
    ("exceeds the balance", Trouble.NO_FEE_MONEY),
    ("out of gas", Trouble.REFUSED),
    ("intrinsic gas too low", Trouble.REFUSED),
    ("nonce too low", Trouble.BUSY_WALLET),
    ("nonce too high", Trouble.BUSY_WALLET),
    ("nonce has already been used", Trouble.BUSY_WALLET),
    ("replacement transaction", Trouble.BUSY_WALLET),
    ("replacement fee too low", Trouble.BUSY_WALLET),
    ("already known", Trouble.BUSY_WALLET),
    ("already pending", Trouble.PENDING_QUESTION),
    ("chain id", Trouble.WRONG_NETWORK),
    ("chainid", Trouble.WRONG_NETWORK),
    ("unrecognized chain", Trouble.UNKNOWN_NETWORK),
    ("failed to fetch", Trouble.NODE_AWAY),
    ("timeout", Trouble.NODE_AWAY),
    ("timed out", Trouble.NODE_AWAY),
    ("revert", Trouble.REFUSED),
)

# EIP-1193, EIP-3326 and JSON-RPC's own numbers; looked at when a message has none of the words.
CODES: Final[Mapping[int, Trouble]] = {
    4001: Trouble.DECLINED,
    4100: Trouble.LOCKED_WALLET,
    4200: Trouble.UNABLE_WALLET,
    4900: Trouble.NODE_AWAY,
    4901: Trouble.WRONG_NETWORK,
    4902: Trouble.UNKNOWN_NETWORK,
    -32000: Trouble.REFUSED,
    -32002: Trouble.PENDING_QUESTION,
    -32003: Trouble.REFUSED,
    -32004: Trouble.UNABLE_WALLET,
    -32005: Trouble.NODE_AWAY,
    -32601: Trouble.UNABLE_WALLET,
    -32602: Trouble.REFUSED,
    -32603: Trouble.REFUSED,
}

# Each class of onchain.errors by its nearest entry here; the root has none, so that a new branch must be thought of.
CLASSES: Final[Mapping[type[errors.OnchainError], Trouble]] = {
    errors.RpcError: Trouble.NODE_AWAY,
    errors.RpcRefusedError: Trouble.REFUSED,
    errors.RpcForbiddenError: Trouble.OUR_SIDE,
    errors.RpcMethodMissingError: Trouble.OUR_SIDE,
    errors.RpcRangeTooLargeError: Trouble.OUR_SIDE,
    errors.NoProviderError: Trouble.NODE_AWAY,
    errors.BadChainDataError: Trouble.NODE_AWAY,
    errors.LogDecodeError: Trouble.NODE_AWAY,
    errors.AlarmError: Trouble.OUR_SIDE,
    errors.IndexerStoppedError: Trouble.OUR_SIDE,
    errors.LeaseLostError: Trouble.NODE_AWAY,
    errors.MarketConflictError: Trouble.OUR_SIDE,
    errors.MarketConfigError: Trouble.OUR_SIDE,
    errors.AdapterStateError: Trouble.OUR_SIDE,
    errors.ReplayInputError: Trouble.OUR_SIDE,
    errors.ViewError: Trouble.OUR_SIDE,
    errors.NoContractError: Trouble.OUR_SIDE,
    errors.UnknownMarketError: Trouble.OUR_SIDE,
    errors.MarketQuarantinedError: Trouble.OUR_SIDE,
    errors.NotIndexedError: Trouble.SLOW,
    errors.ArchivedError: Trouble.OUR_SIDE,
    errors.PartitionChangedError: Trouble.OUR_SIDE,
    errors.ShareTokenError: Trouble.OUR_SIDE,
    errors.SharesNotIndexedError: Trouble.SLOW,
    errors.ShareBalanceError: Trouble.OUR_SIDE,
    NotMinedError: Trouble.SLOW,
    SignerError: Trouble.OUR_SIDE,
    RefusedByContractError: Trouble.REFUSED,
}


def trouble_of_reason(reason: str) -> Trouble:
    """Return what a contract's short text means for whoever collects."""
    return CONTRACT.get(reason.strip().lower()) or trouble_of_text(reason) or Trouble.OUR_SIDE


def trouble_of_text(text: str) -> Trouble | None:
    """Return what a node's or a wallet's own words mean, None when they hold none that we know."""
    lowered = text.lower()
    return next((found for words, found in WORDS if words in lowered), None)


def trouble_of_error(error: errors.OnchainError) -> Trouble:
    """Return what an error of ours on the way to the chain means; our own lack of fee money is not the reader's."""
    if isinstance(error, errors.NoProviderError):
        return next((trouble_of_error(failure) for failure in error.failures), Trouble.NODE_AWAY)
    found: Trouble | None = None
    if isinstance(error, RefusedByContractError | errors.RpcRefusedError):
        found = trouble_of_text(error.reason)
    found = found or next((CLASSES[each] for each in type(error).__mro__ if each in CLASSES), Trouble.OUR_SIDE)
    ours = {Trouble.NO_FEE_MONEY: Trouble.OUR_FEE_MONEY, Trouble.BUSY_WALLET: Trouble.SLOW}
    return ours.get(found, found)


def wallet_words() -> dict[str, Any]:
    """Return what the page's script needs to turn a wallet's error into a sentence: see static/rewards/collect.js."""
    return {
        "declined": {"code": 4001, "says": Trouble.DECLINED.value},
        "words": [[words, found.value] for words, found in WORDS],
        "codes": {str(code): found.value for code, found in CODES.items()},
        "otherwise": Trouble.REFUSED.value,
        "network": Trouble.WRONG_NETWORK.value,
        "slow": Trouble.SLOW.value,
        "refused": Trouble.REFUSED.value,
        "nobody": Trouble.LOCKED_WALLET.value,
    }
