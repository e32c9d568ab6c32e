"""Proof that an address quotes for a maker: the message that it signs, and the check of what was signed.

The signing key may be a cold one: the message counts for a day, and the signature may be made anywhere.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from eth_utils import to_checksum_address

from accounts import nonces, siwe
from accounts.errors import MalformedMessageError, NotPermittedError
from accounts.fields import address_pattern
from accounts.models import Enrolment, QuotingProof, SignInNonce
from accounts.roles import Person
from accounts.sign_in import Asked
from accounts.signatures import check_signature
from onchain.rpc import RpcClient

LIFETIME: Final = timedelta(hours=24)
_PURPOSE: Final = SignInNonce.Purpose.QUOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A checked signature. address: lower case; signature: 0x hex; is_contract: it was a contract's word."""

    address: str
    slug: str
    text: str
    signature: str
    is_contract: bool
    chain_id: int
    by: str

    def store(self, *, enrolment: Enrolment | None = None) -> QuotingProof:
        """Keep it; for a request it holds the address. Raises IntegrityError where another request holds it."""
        return QuotingProof.objects.create(
            address=self.address, slug=self.slug, enrolment=enrolment, is_claim=enrolment is not None, text=self.text,
            signature=self.signature, is_contract=self.is_contract, chain_id=self.chain_id, proven_by=self.by,
        )  # fmt: skip


def quoting_message(client: RpcClient, *, by: Person, asked: Asked, slug: str, address: str) -> str:
    """Return the text by which `address` says that it quotes for the maker called `slug`.

    asked.uri: the page that will take the signature. The text names site, page, chain, maker and address, counts for
    LIFETIME, and is taken once, from this person. Raises SignInError's kinds and NotPermittedError.
    """
    person = _signed_in(by)
    if not address_pattern.fullmatch(address.lower()):
        raise MalformedMessageError(where="the address", rule="0x and 40 hex digits")
    bound_to = _bound_to(person=person, slug=slug, address=address)
    nonce = nonces.issue(purpose=_PURPOSE, bound_to=bound_to, now=asked.now, lifetime=LIFETIME)
    expected = _expected(client, asked=asked, slug=slug)
    return siwe.write(
        expected=expected, address=to_checksum_address(address), nonce=nonce, issued_at=asked.now, lifetime=LIFETIME
    )


def quoting_check(client: RpcClient, *, by: Person, asked: Asked, slug: str, text: str, signature: bytes) -> Proven:
    """Return what a signed text proves for the maker called `slug`; its nonce is used up by that.

    A signature that was cut short while it was carried over may be handed in again: the nonce goes only with a good
    one. Raises SignInError's kinds and NotPermittedError.
    """
    person = _signed_in(by)
    message = siwe.parse(text)
    expected = _expected(client, asked=asked, slug=slug)
    siwe.check(message, expected=expected, now=asked.now, lifetime=LIFETIME)
    address = message.address.lower()
    is_contract = check_signature(client, address=message.address, text=text, signature=signature)
    bound_to = _bound_to(person=person, slug=slug, address=address)
    nonces.take(nonce=message.nonce, purpose=_PURPOSE, bound_to=bound_to, now=asked.now)
    return Proven(
        address=address, slug=slug, text=text, signature="0x" + signature.hex(), is_contract=is_contract,
        chain_id=message.chain_id, by=by.get_username(),
    )  # fmt: skip


def _signed_in(by: Person) -> int:
    if by.pk is None or not by.is_active:
        raise NotPermittedError(what="Proving an address", who="people who have signed in")
    return int(by.pk)


def _bound_to(*, person: int, slug: str, address: str) -> str:
    return hashlib.sha256(f"{person} {slug} {address.lower()}".encode()).hexdigest()


def _expected(client: RpcClient, *, asked: Asked, slug: str) -> siwe.Expected:
    return siwe.Expected(
        domain=asked.domain, scheme=asked.scheme, uri=asked.uri, chain_id=nonces.signing_chain(client),
        statement=f"This address quotes for the maker {slug} at Lamplight. It signs nobody in and moves no money.",
    )  # fmt: skip
