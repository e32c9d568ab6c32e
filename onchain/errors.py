"""What can go wrong between a node and our tables: one tree; each error says whether trying again can help."""

from collections.abc import Sequence
from typing import Any, ClassVar


class OnchainError(Exception):
    """Root of the tree. `retryable`: the same call may succeed later without anybody's help."""

    retryable: ClassVar[bool] = False


# --- talking to a node ---------------------------------------------------------------------------------------


class RpcError(OnchainError):
    """A call to a node failed. `provider` is the node's host, never its whole URL: URLs carry keys."""

    retryable = True

    def __init__(self, *, provider: str, method: str, reason: str) -> None:
        super().__init__(f"{provider} did not answer {method}: {reason}")
        self.provider = provider
        self.method = method
        self.reason = reason


class RpcUnreachableError(RpcError):
    """No connection, a timeout, or a connection that broke."""


class RpcLimitedError(RpcError):
    """The provider asks us to slow down (HTTP 429 and its JSON-RPC relatives)."""


class RpcGarbledError(RpcError):
    """The answer is not what JSON-RPC allows: cut off, not JSON, wrong ids, wrong shape."""


class RpcServerError(RpcError):
    """The node failed on its side (internal error, header not found yet); later it may not."""


class RpcRangeTooLargeError(RpcError):
    """The provider refuses a range or a batch as too large; a smaller one may pass, the same one won't."""

    retryable = False


class RpcMethodMissingError(RpcError):
    """The node does not know the method."""

    retryable = False


class RpcForbiddenError(RpcError):
    """The provider does not accept our key."""

    retryable = False


class RpcRefusedError(RpcError):
    """The node answered with an error of its own, such as a revert; the same call would fail again."""

    retryable = False

    def __init__(self, *, provider: str, method: str, code: int, message: str, data: Any = None) -> None:
        super().__init__(provider=provider, method=method, reason=f"{message} (code {code})")
        self.code = code
        self.message = message
        self.data = data


class NoProviderError(OnchainError):
    """Every provider failed; `failures` holds the last error of each."""

    retryable = True

    def __init__(self, *, method: str, failures: Sequence[OnchainError]) -> None:
        reasons = "; ".join(str(failure) for failure in failures) or "RPC_URLS is empty"
        super().__init__(f"No provider answered {method}: {reasons}.")
        self.method = method
        self.failures = failures


# --- what a node says does not hold together -------------------------------------------------------------------


class BadChainDataError(OnchainError):
    """A node's answer contradicts itself or the header; another provider, or a moment later, may be right."""

    retryable = True

    def __init__(self, *, block_number: int, rule: str) -> None:
        super().__init__(f"Block {block_number}: {rule}.")
        self.block_number = block_number
        self.rule = rule


class BlockMissingError(BadChainDataError):
    """The node has no block, or no receipts, where it said that it has."""


class BrokenLinkError(BadChainDataError):
    """A block's parent hash is not the hash of the block before it."""


class ReceiptsMismatchError(BadChainDataError):
    """The receipts root, rebuilt from the receipts, is not the header's."""


class LogDecodeError(OnchainError):
    """Bytes that should be a JSON list of logs or receipts are not; `offset` is where reading stopped."""

    retryable = True

    def __init__(self, *, offset: int, rule: str) -> None:
        super().__init__(f"The answer is not a list of logs at byte {offset}: {rule}.")
        self.offset = offset
        self.rule = rule


class ProvidersDisagreeError(BadChainDataError):
    """Two providers give different blocks of one number; neither is believed until they agree."""

    kind: ClassVar[str] = "providers_disagree"


# --- a person has to look ----------------------------------------------------------------------------------------


class AlarmError(OnchainError):
    """The indexer stopped and changed nothing; an Alarm row says why until a person resolves it."""

    kind: ClassVar[str] = "alarm"

    def __init__(self, message: str, *, block_number: int | None = None) -> None:
        super().__init__(message)
        self.block_number = block_number


class ReorgBelowFinalError(AlarmError):
    """The node's chain differs from ours at or below a block that was final."""

    kind = "reorg_below_final"


class WrongChainError(AlarmError):
    """The node serves another chain than the one in the database."""

    kind = "wrong_chain"


class IndexerStoppedError(OnchainError):
    """An alarm is open, so nothing is indexed."""

    def __init__(self, *, alarm: str) -> None:
        super().__init__(f"The indexer is stopped by an alarm: {alarm}")
        self.alarm = alarm


class LeaseLostError(OnchainError):
    """Another process follows the chain's head by now; this one must not write any more."""

    def __init__(self, *, chain_id: int) -> None:
        super().__init__(f"Another process has taken over following chain {chain_id}; this one stops.")
        self.chain_id = chain_id


# --- markets -------------------------------------------------------------------------------------------------------


class MarketConflictError(OnchainError):
    """A market of that name exists and differs in what decides its events."""

    def __init__(self, *, market: str, field: str, stored: object, given: object) -> None:
        super().__init__(
            f"Market {market} is registered with {field} {stored!r}, not {given!r}. "
            "Register the changed market under another name."
        )
        self.market = market
        self.field = field


class MarketConfigError(OnchainError):
    """A market file or the configuration in the database is unusable; `key` is the key's path."""

    def __init__(self, *, key: str, rule: str) -> None:
        super().__init__(f"{key}: {rule}.")
        self.key = key
        self.rule = rule


class AdapterStateError(OnchainError):
    """A saved state of an adapter can't be used."""

    def __init__(self, *, rule: str) -> None:
        super().__init__(f"The saved state can't be used: {rule}. Derive the market again from its raw logs.")
        self.rule = rule


class ReplayInputError(OnchainError):
    """A file that logs or blocks are to be read from is unusable."""

    def __init__(self, *, file: str, rule: str) -> None:
        super().__init__(f"{file}: {rule}.")
        self.file = file
        self.rule = rule


class ViewError(OnchainError):
    """A contract did not answer one of its views, so a book can't be compared with it."""

    def __init__(self, *, address: str, signature: str, block_number: int) -> None:
        super().__init__(
            f"{address} gave no usable answer to {signature} at block {block_number}. "
            "Check the market's address, and that the node keeps the state of that block."
        )
        self.address = address
        self.signature = signature
        self.block_number = block_number


class NoContractError(OnchainError):
    """There is no code at an address on the chain that is followed."""

    def __init__(self, *, address: str, chain_id: int) -> None:
        super().__init__(f"There is no contract at {address} on chain {chain_id}, which RPC_URLS leads to.")
        self.address = address
        self.chain_id = chain_id


class UnknownMarketError(OnchainError):
    """No market of that name is registered."""

    def __init__(self, *, market: str) -> None:
        super().__init__(f"No market is called {market}; register it first.")
        self.market = market


class MarketQuarantinedError(OnchainError):
    """The range holds blocks from which no event could be derived."""

    def __init__(self, *, market: str, block_number: int, reason: str) -> None:
        super().__init__(f"{market} is quarantined from block {block_number} on: {reason}")
        self.market = market
        self.block_number = block_number
        self.reason = reason


class NotIndexedError(OnchainError):
    """The range reaches past what is indexed; later it will be."""

    retryable = True

    def __init__(self, *, market: str, through_block: int, wanted_block: int) -> None:
        super().__init__(f"{market} is indexed through block {through_block}; block {wanted_block} is asked for.")
        self.market = market
        self.through_block = through_block
        self.wanted_block = wanted_block


class ArchivedError(OnchainError):
    """What is asked for lies in the archive alone."""

    def __init__(self, *, what: str, through_block: int) -> None:
        super().__init__(
            f"{what} needs rows that are in the archive alone (through block {through_block}). "
            f"Bring them back with manage.py archive --restore."
        )
        self.through_block = through_block


class PartitionChangedError(OnchainError):
    """A partition has other rows than when it was written to the archive; the next run writes it again."""

    retryable = True

    def __init__(self, *, name: str, had: int, has: int) -> None:
        super().__init__(
            f"{name} has other rows than when it was archived ({had} then, {has} now); it stays until the next run."
        )
        self.had = had
        self.has = has


# --- share tokens --------------------------------------------------------------------------------------------------


class ShareTokenError(OnchainError):
    """A contract is no share token that can be paid through."""

    def __init__(self, *, token: str, rule: str) -> None:
        super().__init__(f"{token} can't be a vault: {rule}. Name the address of an ERC-20 or ERC-4626 share token.")
        self.token = token
        self.rule = rule


class SharesNotIndexedError(OnchainError):
    """Not all transfers of a share token since its deployment are stored, verified and final; later they will be."""

    retryable = True

    def __init__(self, *, token: str, through_block: int, wanted_block: int) -> None:
        have = f"are read through block {through_block}" if through_block >= 0 else "are not read from its start on yet"
        super().__init__(f"The transfers of the vault {token} {have}; block {wanted_block} is asked for.")
        self.token = token
        self.through_block = through_block
        self.wanted_block = wanted_block


class ShareBalanceError(OnchainError):
    """A share token's own view of a balance is not what its transfers add up to."""

    def __init__(self, *, token: str, account: str, block_number: int, ours: int, theirs: int) -> None:
        super().__init__(
            f"The vault {token} can't be paid through: at block {block_number} it says that {account} has {theirs} "
            f"shares, and its transfers add up to {ours}. A token that changes balances without a transfer (a rebase, "
            "a fee) can't be a vault; its maker has to name payout accounts instead."
        )
        self.token = token
        self.account = account
        self.block_number = block_number
        self.ours = ours
        self.theirs = theirs
