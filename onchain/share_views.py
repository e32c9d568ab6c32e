"""What a share token itself says of its balances, who among its holders is a contract, and when it was deployed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eth_abi import decode
from eth_abi.exceptions import DecodingError

from onchain.calls import calldata, from_hex, view_call
from onchain.errors import RpcRefusedError, ShareBalanceError, ShareTokenError
from onchain.rpc import Call, RpcClient

READ_BATCH = 200
"""Calls in one request: providers refuse larger ones."""
MOST_BALANCES = 20_000
"""Of a token with more accounts, the largest holders are asked for; the total supply holds the others to account."""
DELEGATED = "0xef0100"
"""EIP-7702: an account of a key that lends itself a contract's code; it signs as before."""
NOBODY = "0x" + "0" * 40
WORD_DIGITS = 66


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareToken:
    """A share token as it describes itself; texts are the token's own and may say anything. asset: "" for none."""

    address: str
    name: str
    symbol: str
    asset: str
    start_block: int


def describe_shares(client: RpcClient, *, address: str) -> ShareToken:
    """Read a share token and find the block of its deployment.

    Raises ShareTokenError when it is no ERC-20, and the client's errors.
    """
    head = int(client.call(method="eth_blockNumber"), 16)
    if client.call(method="eth_getCode", params=[address, "latest"]) in ("0x", None):
        raise ShareTokenError(token=address, rule="there is no contract")
    for signature, values in (("totalSupply()", []), ("balanceOf(address)", [NOBODY])):
        answer = _try(client, address, calldata(signature, values))
        if answer is None or len(answer) != WORD_DIGITS:
            raise ShareTokenError(token=address, rule=f"it does not answer {signature} as an ERC-20 does")
    asset = _try(client, address, calldata("asset()"))
    return ShareToken(
        address=address,
        name=_text(_try(client, address, calldata("name()"))),
        symbol=_text(_try(client, address, calldata("symbol()"))),
        asset="0x" + asset[-40:] if asset is not None and len(asset) == WORD_DIGITS else "",
        start_block=deployment_block(client, address=address, head=head),
    )


def deployment_block(client: RpcClient, *, address: str, head: int) -> int:
    """Return the first block after which the address has code, by halving.

    Raises ShareTokenError when the node doesn't keep the state of old blocks, which this needs.
    """
    low, high = 0, head
    while low < high:
        middle = (low + high) // 2
        try:
            code = client.call(method="eth_getCode", params=[address, hex(middle)])
        except RpcRefusedError as error:
            rule = "the node does not keep the state of old blocks, so the block of its deployment can't be found"
            raise ShareTokenError(token=address, rule=rule) from error
        low, high = (middle + 1, high) if code in ("0x", None) else (low, middle)
    return low


def check_balances(client: RpcClient, *, token: str, balances: Mapping[str, int], supply: int, block: int) -> int:
    """Compare balances that transfers add up to with the token's own view after a block; returns how many.

    All balances up to MOST_BALANCES, else the largest; and the total supply always. Raises ShareBalanceError where
    they differ, and the client's errors.
    """
    at = hex(block)
    said = _number(client.call(method="eth_call", params=[{"to": token, "data": calldata("totalSupply()")}, at]))
    asked = sorted(balances, key=lambda account: (-balances[account], account))[:MOST_BALANCES]
    calls = [view_call(token, calldata("balanceOf(address)", [account]), at) for account in asked]
    for account, answer in zip(asked, _batches(client, calls), strict=True):
        if _number(answer) != balances[account]:
            raise ShareBalanceError(
                token=token, account=account, block_number=block, ours=balances[account], theirs=_number(answer)
            )
    if said != supply:
        raise ShareBalanceError(
            token=token, account="all accounts together", block_number=block, ours=supply, theirs=said
        )
    return len(asked)


def contracts_among(client: RpcClient, *, accounts: Iterable[str], block: int) -> list[str]:
    """Return those of the accounts that are contracts after a block, in their order. Raises the client's errors."""
    asked = list(accounts)
    codes = _batches(client, [Call("eth_getCode", (account, hex(block))) for account in asked])
    return [
        account
        for account, code in zip(asked, codes, strict=True)
        if code not in ("0x", None) and not str(code).startswith(DELEGATED)
    ]


def _batches(client: RpcClient, calls: Sequence[Call]) -> list[object]:
    pieces = [calls[at : at + READ_BATCH] for at in range(0, len(calls), READ_BATCH)]
    return [answer for piece in pieces for answer in client.batch(calls=piece)]


def _number(answer: object) -> int:
    return int(str(answer), 16) if str(answer) not in ("0x", "None") else 0


def _try(client: RpcClient, address: str, data: str) -> str | None:
    try:
        answer = client.call(method="eth_call", params=[{"to": address, "data": data}, "latest"])
    except RpcRefusedError:
        return None
    return str(answer) if answer not in ("0x", None) else None


def _text(answer: str | None) -> str:
    """Return a token's text, cut to what a page can show; empty when it is none."""
    try:
        found = str(decode(["string"], from_hex(answer or "0x"))[0])
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return ""
    return "".join(letter for letter in found if letter.isprintable())[:40]
