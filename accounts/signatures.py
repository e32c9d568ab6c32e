"""Whether an address signed a text: by its key (EIP-191), or by its contract's own word (ERC-1271)."""

from typing import Final

from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.exceptions import BadSignature

from accounts.errors import WalletCheckUnavailableError, WrongSignatureError
from onchain.errors import OnchainError, RpcRefusedError
from onchain.keccak import keccak256
from onchain.rpc import RpcClient

MAX_SIGNATURE_BYTES: Final = 8192
KEY_SIGNATURE_BYTES: Final = 65
CHECK_GAS: Final = 1_000_000
"""What a contract wallet may burn for its answer: a Safe of twenty owners needs less than 200,000."""
IS_VALID_SIGNATURE: Final = bytes.fromhex("1626ba7e")
"""The selector of isValidSignature(bytes32,bytes), which is also the answer that means yes."""
_YES: Final = "0x" + IS_VALID_SIGNATURE.hex() + "00" * 28
_CONTRACT_FAILED_WORDS: Final = ("out of gas", "gas required exceeds", "invalid opcode", "invalid jump", "evm error")


def check_signature(client: RpcClient, *, address: str, text: str, signature: bytes) -> bool:
    """Return whether a contract vouched for the signature (False: the key of `address` signed).

    A key is tried first and needs no chain. A contract is asked once, at the latest block, with CHECK_GAS and the
    patience of `client`. Raises WrongSignatureError and, where the chain can't say, WalletCheckUnavailableError.
    """
    if not signature or len(signature) > MAX_SIGNATURE_BYTES:
        raise WrongSignatureError(address=address, reason=f"it must have 1 to {MAX_SIGNATURE_BYTES} bytes")
    if _signed_by_key(address=address, text=text, signature=signature):
        return False
    try:
        code = client.call(method="eth_getCode", params=[address, "latest"])
        if code in ("0x", "0x0", None):
            raise WrongSignatureError(address=address, reason="another account signed, and no contract is there")
        vouched = _vouched_by_contract(client, address=address, text=text, signature=signature)
    except OnchainError as error:
        raise WalletCheckUnavailableError(address=address) from error
    if not vouched:
        raise WrongSignatureError(address=address, reason="the contract there does not accept it")
    return True


def _signed_by_key(*, address: str, text: str, signature: bytes) -> bool:
    if len(signature) != KEY_SIGNATURE_BYTES:
        return False
    try:
        return bool(Account.recover_message(encode_defunct(text=text), signature=signature).lower() == address.lower())
    except (BadSignature, ValueError, TypeError):
        return False


def _vouched_by_contract(client: RpcClient, *, address: str, text: str, signature: bytes) -> bool:
    message = text.encode()
    digest = keccak256(b"\x19Ethereum Signed Message:\n%d%s" % (len(message), message))
    data = "0x" + (IS_VALID_SIGNATURE + encode(("bytes32", "bytes"), (digest, signature))).hex()
    try:
        answer = client.call(method="eth_call", params=[{"to": address, "data": data, "gas": hex(CHECK_GAS)}, "latest"])
    except RpcRefusedError:
        return False
    except OnchainError as error:
        # Some nodes report a contract's failure as one of their own; their words tell.
        if any(word in str(error).lower() for word in _CONTRACT_FAILED_WORDS):
            return False
        raise
    return bool(answer == _YES)
