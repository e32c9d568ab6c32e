"""Who signs our transactions: a key from the environment, an encrypted keystore file, or a remote signer.

A hot key proposes, relays or attests; none of them can release money. A remote signer speaks `eth_signTransaction`
as web3signer does; what it returns is decoded and compared field by field before it is used.
"""

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import rlp
from django.conf import settings
from eth_account import Account

from onchain.errors import OnchainError
from onchain.keccak import keccak256
from onchain.rpc import Policy, connect

REMOTE_POLICY = Policy(timeout_s=10.0, attempts=2)
_KEY = re.compile(r"0x[0-9a-fA-F]{64}")
_TYPE_2_FIELDS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data")


class SignerError(OnchainError):
    """A key can't be had or used. The sentence names the setting, never a key or a password."""

    def __init__(self, *, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}.")
        self.what = what
        self.reason = reason


class SignerUnreachableError(SignerError):
    """The remote signer doesn't answer; later it may."""

    retryable = True


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A signed transaction. hash: 0x hex. raw: what is broadcast, 0x hex."""

    hash: str
    raw: str


class Signer(Protocol):
    """Signs for one account."""

    @property
    def address(self) -> str:
        """The account, lower-case hex."""
        ...

    def sign(self, transaction: dict[str, Any]) -> SignedTransaction:
        """Sign an EIP-1559 transaction (keys as in eth_signTransaction, integers as ints). Raises SignerError."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A private key in memory, 0x hex; it is never shown."""

    key: str = field(repr=False)

    def __post_init__(self) -> None:
        # The library pads a key that lost a digit, and is then somebody else's; its own words may quote the key.
        if not _KEY.fullmatch(str(self.key)):
            raise SignerError(what="The private key", reason="it is not 32 bytes as 0x hex")

    @property
    def address(self) -> str:
        """The key's account."""
        return str(Account.from_key(str(self.key)).address).lower()

    def sign(self, transaction: dict[str, Any]) -> SignedTransaction:
        """Sign here."""
        fields = {**transaction, "type": 2, "to": bytes.fromhex(transaction["to"][2:])}
        signed = Account.sign_transaction(fields, str(self.key))
        return SignedTransaction("0x" + bytes(signed.hash).hex(), "0x" + bytes(signed.raw_transaction).hex())


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """A web3signer-compatible service at `url` that holds the key of `address`."""

    url: str = field(repr=False)
    address: str

    def sign(self, transaction: dict[str, Any]) -> SignedTransaction:
        """Have it signed there, and see that exactly this was signed by exactly this account."""
        request = {key: hex(value) if isinstance(value, int) else value for key, value in transaction.items()}
        client = connect(urls=[self.url], policy=REMOTE_POLICY)
        try:
            answer = client.call(method="eth_signTransaction", params=[{**request, "from": self.address}])
        except OnchainError as error:
            kind = SignerUnreachableError if error.retryable else SignerError
            raise kind(what=f"The remote signer of {self.address}", reason=str(error).rstrip(".")) from error
        finally:
            client.close()
        # web3signer gives the bytes; geth and clef an object with them.
        raw = answer.get("raw") if isinstance(answer, dict) else answer
        return _checked(raw, transaction, signer=self.address)


def _checked(raw: Any, transaction: dict[str, Any], *, signer: str) -> SignedTransaction:
    """Return the bytes that a remote signer gave if they are what was asked for."""
    what = f"The remote signer of {signer}"
    try:
        data = bytes.fromhex(raw.removeprefix("0x"))
        values = rlp.decode(data[1:])
        recovered = str(Account.recover_transaction(data)).lower()
    except Exception as error:  # whatever a stranger's bytes do to two decoders
        raise SignerError(what=what, reason="its answer is not a signed transaction") from error
    if data[0] != 2 or len(values) != 12 or values[8]:
        raise SignerError(what=what, reason="it signed another kind of transaction")
    found = dict(zip(_TYPE_2_FIELDS, values[:8], strict=True))
    for name in _TYPE_2_FIELDS:
        wanted = transaction[name]
        is_number = isinstance(wanted, int)
        given = int.from_bytes(found[name], "big") if is_number else "0x" + found[name].hex()
        if given != (wanted if is_number else wanted.lower()):
            raise SignerError(what=what, reason=f"it signed {name} {given} instead of {wanted}")
    if recovered != signer:
        raise SignerError(what=what, reason=f"it signed as {recovered}")
    return SignedTransaction("0x" + keccak256(data).hex(), "0x" + data.hex())


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerConfig:
    """Where a role's key is, from the settings: one of key, keystore and url; empty strings are unset.

    role: the settings' prefix, for messages (PROPOSER). keystore: an encrypted JSON file, its password in a file or
    (for a machine that has no better place) as text. url with address: a remote signer.
    """

    role: str
    key: Any = field(default="", repr=False)
    keystore: str = ""
    password_file: str = ""
    password: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    address: str = ""

    @property
    def is_set(self) -> bool:
        """Whether the role has a key here."""
        return bool(self.key or self.keystore or self.url)

    def signer(self) -> Signer:
        """Return the role's signer. Raises SignerError, which names the setting that is missing or wrong."""
        named = {"KEY": self.key, "KEYSTORE": self.keystore, "SIGNER_URL": self.url}
        given = [f"{self.role}_{name}" for name, value in named.items() if value]
        if len(given) != 1:
            reason = f"set one of them, not {' and '.join(given)}" if given else "none is set"
            raise SignerError(what=f"{self.role}_KEY, {self.role}_KEYSTORE and {self.role}_SIGNER_URL", reason=reason)
        if self.url:
            if not self.address:
                raise SignerError(what=f"{self.role}_ADDRESS", reason="a remote signer needs it, and it is not set")
            return RemoteSigner(url=self.url, address=self.address.lower())
        if self.keystore:
            return KeySigner(_opened(self.role, self.keystore, self._password()))
        return KeySigner(str(self.key))

    def _password(self) -> str:
        if not self.password_file:
            return self.password
        try:
            return Path(self.password_file).read_text().rstrip("\r\n")
        except OSError as error:
            what = f"{self.role}_KEYSTORE_PASSWORD_FILE"
            raise SignerError(what=what, reason=f"{self.password_file} can't be read ({error.strerror})") from error


def signer_config(role: str) -> SignerConfig:
    """Return where the settings say that a role's key is. role: PROPOSER, RELAYER or ATTESTOR."""
    return SignerConfig(role=role, **settings.SIGNERS[role])


@lru_cache(maxsize=8)
def _opened(role: str, keystore: str, password: str) -> str:
    """Return a keystore's key. Opening takes a second on purpose, so it is done once a process."""
    what = f"{role}_KEYSTORE"
    try:
        return "0x" + bytes(Account.decrypt(json.loads(Path(keystore).read_text()), password)).hex()
    except OSError as error:
        raise SignerError(what=what, reason=f"{keystore} can't be read ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        reason = "the password is wrong" if "MAC" in str(error) else "it is not an encrypted keystore file"
        raise SignerError(what=what, reason=f"{keystore}: {reason}") from error.with_traceback(None)
