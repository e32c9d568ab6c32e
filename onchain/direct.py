"""Sends one transaction without a database, for calls that the contract itself takes only once."""

import time
from collections.abc import Callable
from typing import Any

from onchain.errors import OnchainError, RpcRefusedError
from onchain.rpc import RpcClient
from onchain.transactions import (
    GAS_MARGIN_PERCENT,
    KNOWN_WORDS,
    RefusedByContractError,
    Sender,
    current_fees,
    revert_reason,
)


class NotMinedError(OnchainError):
    """A transaction was sent and is in no block yet; asking again finds out what became of it."""

    retryable = True

    def __init__(self, *, tx_hash: str, waited_s: float) -> None:
        super().__init__(f"{tx_hash} was sent and is in no block after {waited_s:.0f} seconds; run the command again.")
        self.tx_hash = tx_hash


def send_and_wait(
    client: RpcClient,
    *,
    sender: Sender,
    purpose: str,
    to: str,
    data: str,
    wait_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock_s: Callable[[], float] = time.monotonic,
) -> str:
    """Sign, send and wait until it is in a block; returns its hash.

    Raises RefusedByContractError before anything is signed when the contract would revert, or after when it did,
    NotMinedError, SignerError and the client's errors.
    """
    call = {"from": sender.address, "to": to, "data": data}
    try:
        gas = int(client.call(method="eth_estimateGas", params=[call]), 16) * GAS_MARGIN_PERCENT // 100
    except RpcRefusedError as error:
        raise RefusedByContractError(purpose=purpose, reason=revert_reason(error)) from error
    fee, tip = current_fees(client)
    nonce = int(client.call(method="eth_getTransactionCount", params=[sender.address, "latest"]), 16)
    signed = sender.signer.sign(
        {"chainId": sender.chain_id, "nonce": nonce, "to": to, "value": 0, "data": data, "gas": gas,
         "maxFeePerGas": fee, "maxPriorityFeePerGas": tip}
    )  # fmt: skip
    try:
        client.call(method="eth_sendRawTransaction", params=[signed.raw])
    except RpcRefusedError as error:
        if not any(word in error.message.lower() for word in KNOWN_WORDS):
            raise
    ends_at = clock_s() + wait_s
    while (receipt := _receipt(client, signed.hash)) is None:
        if clock_s() > ends_at:
            raise NotMinedError(tx_hash=signed.hash, waited_s=wait_s)
        sleep(0.5)
    if receipt["status"] != "0x1":
        raise RefusedByContractError(purpose=purpose, reason=f"it reverted in {signed.hash}")
    return signed.hash


def _receipt(client: RpcClient, tx_hash: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = client.call(method="eth_getTransactionReceipt", params=[tx_hash])
    return found
