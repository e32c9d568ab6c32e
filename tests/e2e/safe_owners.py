"""The three owners of a test's Safe, and their signatures."""

from eth_account import Account
from eth_account.messages import encode_typed_data

from onchain.safe import SafeTx, exec_calldata, joined_signatures

OWNERS = [Account.from_key("0x" + digit * 64) for digit in "456"]


def signed_hash(owner, safe_tx_hash: str) -> str:
    """Sign a hash that a page shows as a hardware wallet signs typed data: r, s and v of 27 or 28."""
    return "0x" + bytes(owner.unsafe_sign_hash(safe_tx_hash).signature).hex()


def executed(safe: str, *, to: str, data: str) -> str:
    """Return the calldata of a Safe's first transaction, signed by the last two of its owners."""
    transaction = SafeTx(chain_id=31337, safe=safe, to=to, data=data, operation=0, nonce=0)
    message = encode_typed_data(full_message=transaction.typed_data)
    signatures = {owner.address.lower(): (bytes(owner.sign_message(message).signature), False) for owner in OWNERS[1:]}
    return exec_calldata(transaction=transaction, signatures=joined_signatures(signatures))
