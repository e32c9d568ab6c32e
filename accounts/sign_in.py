"""Services of signing in with a wallet: the message to sign, the sign-in itself, linked wallets and open sessions."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from eth_utils import to_checksum_address

from accounts import nonces, siwe
from accounts.errors import (
    AccountOffError,
    MalformedMessageError,
    NoSuchWalletError,
    WalletTakenError,
)
from accounts.fields import address_pattern
from accounts.models import SignIn, SignInNonce, User, Wallet
from accounts.signatures import check_signature
from accounts.ways_in import require_another_way_in, ways_in
from onchain.rpc import Policy, RpcClient, connect

CHECK_TIMEOUT_S: Final = 5.0
"""How long a page waits for one node's word on a contract wallet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where and when a browser asks: our host with its port, http or https, the sign-in page, and its session's key."""

    domain: str
    scheme: str
    uri: str
    session_key: str
    now: datetime

    @property
    def browser(self) -> str:
        """What a nonce remembers of the session: not enough to take it over."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()


def checking_node() -> RpcClient:
    """Return a client of the nodes in the settings that gives up soon: a person waits."""
    timeout_s = min(CHECK_TIMEOUT_S, settings.CHAIN_TIMEOUT_S)
    return connect(urls=settings.RPC_URLS, policy=Policy(timeout_s=timeout_s, attempts=1))


def message_issue(client: RpcClient, *, asked: Asked, address: str, person: User | None = None) -> str:
    """Return the text that the wallet at `address` shall sign to sign in, or to be linked to `person`.

    It carries a new nonce for this browser alone and counts for 10 minutes. Raises SignInError's kinds.
    """
    if not address_pattern.fullmatch(address.lower()):
        raise MalformedMessageError(where="the address", rule="0x and 40 hex digits")
    nonce = nonces.issue(purpose=_purpose(person), bound_to=asked.browser, now=asked.now, lifetime=siwe.MAX_LIFETIME)
    expected = _expected(client, asked=asked, person=person)
    return siwe.write(expected=expected, address=to_checksum_address(address), nonce=nonce, issued_at=asked.now)


def wallet_sign_in(client: RpcClient, *, asked: Asked, text: str, signature: bytes) -> Wallet:
    """Return the wallet that signed `text`; its owner is who signs in, made as a provider at the first time.

    Raises the kinds of SignInError; whatever is raised after the nonce was found has used it up.
    """
    address, is_contract = _proven(client, asked=asked, text=text, signature=signature, person=None)
    wallet = Wallet.objects.select_related("owner").filter(address=address).first()
    if wallet is None:
        wallet = _provider_make(address=address, is_contract=is_contract)
    if not wallet.owner.is_active:
        raise AccountOffError
    return wallet


def wallet_link(client: RpcClient, *, asked: Asked, person: User, text: str, signature: bytes) -> Wallet:
    """Link the wallet that signed `text` to the person; linking it twice is the same as once.

    A wallet of somebody else raises WalletTakenError, unless that account is nothing but this wallet: its holder
    then brings it along. Raises the other kinds of SignInError, too.
    """
    address, is_contract = _proven(client, asked=asked, text=text, signature=signature, person=person)
    with transaction.atomic():
        wallet, _ = Wallet.objects.select_for_update().get_or_create(
            address=address, defaults={"owner": person, "is_contract": is_contract}
        )
        if wallet.owner_id != person.pk:
            if not _is_bare(wallet.owner):
                raise WalletTakenError(address=address)
            sessions_end_all(person=wallet.owner)
            User.objects.filter(pk=wallet.owner_id, wallet=address).update(wallet="")
            wallet.owner = person
            wallet.save(update_fields=["owner"])
    return wallet


@transaction.atomic
def wallet_unlink(*, person: User, address: str) -> None:
    """Take a wallet from the person. Raises NoSuchWalletError, and LastWayInError when nothing else signs them in."""
    wallet = person.wallets.filter(address=address.lower()).first()
    if wallet is None:
        raise NoSuchWalletError(address=address)
    require_another_way_in(person=person, than=address)
    wallet.delete()
    # Whose wallet it no longer is decides nothing for its account any more.
    User.objects.filter(pk=person.pk, wallet=address.lower()).update(wallet="")


def sign_in_record(*, person: User, how: str, from_ip: str | None, browser: str, session_key: str) -> None:
    """Write a sign-in down. how: what was shown, “password and app code”, or a wallet's address."""
    SignIn.objects.create(person=person, how=how[:80], from_ip=from_ip, browser=browser[:200], session_key=session_key)


@transaction.atomic
def sessions_end_all(*, person: User) -> None:
    """End every session of the person in every browser, this one too, also those that no log knows."""
    User.objects.filter(pk=person.pk).update(session_generation=F("session_generation") + 1)
    keys = person.sign_ins.exclude(session_key="").values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    person.sign_ins.update(session_key="")


@transaction.atomic
def sessions_end_others(*, person: User, session_key: str) -> None:
    """End every session of the person but this one, whose caller gives it the person's new session hash."""
    User.objects.filter(pk=person.pk).update(session_generation=F("session_generation") + 1)
    person.refresh_from_db(fields=["session_generation"])
    others = person.sign_ins.exclude(session_key__in=["", session_key])
    Session.objects.filter(session_key__in=list(others.values_list("session_key", flat=True))).delete()
    others.update(session_key="")


@transaction.atomic
def session_end(*, person: User, sign_in: int) -> None:
    """End the session that one of the person's sign-ins began; one that has ended, or another's, is left alone."""
    found = person.sign_ins.exclude(session_key="").filter(pk=sign_in).first()
    if found is not None:
        Session.objects.filter(session_key=found.session_key).delete()
        person.sign_ins.filter(session_key=found.session_key).update(session_key="")


def session_person(*, person: User, session_key: str | None) -> User | None:
    """Return a session's person as the database has them now, None once it has ended or is too old, or they are off."""
    stands = User.objects.filter(pk=person.pk, is_active=True, session_generation=person.session_generation)
    found = stands.first()
    lasts = Session.objects.filter(session_key=session_key, expire_date__gt=timezone.now())
    return found if session_key and lasts.exists() else None


def _proven(client: RpcClient, *, asked: Asked, text: str, signature: bytes, person: User | None) -> tuple[str, bool]:
    """Return the address (lower case) that signed, and whether it is a contract's word."""
    message = siwe.parse(text)
    siwe.check(message, expected=_expected(client, asked=asked, person=person), now=asked.now)
    # Before the signature is looked at, so that one nonce allows one guess.
    nonces.take(nonce=message.nonce, purpose=_purpose(person), bound_to=asked.browser, now=asked.now)
    is_contract = check_signature(client, address=message.address, text=text, signature=signature)
    return message.address.lower(), is_contract


def _purpose(person: User | None) -> str:
    return SignInNonce.Purpose.SIGN_IN if person is None else SignInNonce.Purpose.LINK


def _expected(client: RpcClient, *, asked: Asked, person: User | None) -> siwe.Expected:
    return siwe.Expected(
        domain=asked.domain,
        scheme=asked.scheme,
        uri=asked.uri,
        statement=_statement(person),
        chain_id=nonces.signing_chain(client),
    )


def _statement(person: User | None) -> str:
    if person is None:
        return "Sign in to Lamplight. This moves no money."
    # EIP-4361 allows only ASCII here, a user name any script.
    name = person.username if person.username.isascii() else f"number {person.pk}"
    return f"Link this wallet to the Lamplight account {name}. It can then sign in there. This moves no money."


def _provider_make(*, address: str, is_contract: bool) -> Wallet:
    """Make the account of somebody who signs in for the first time; of two at once, one makes it."""
    # A wallet that was once unlinked from the account with its name must not get that account back.
    taken = User.objects.filter(username=address).exists()
    username = f"{address}-{secrets.token_hex(4)}" if taken else address
    try:
        with transaction.atomic():
            person = User(username=username, wallet=address)
            person.set_unusable_password()
            person.save()
            return Wallet.objects.create(address=address, owner=person, is_contract=is_contract)
    except IntegrityError:
        return Wallet.objects.select_related("owner").get(address=address)


def _is_bare(person: User) -> bool:
    """Whether an account is nothing but its one wallet: no other way in, no role, no maker and none asked for."""
    return (
        person.role == User.Role.PROVIDER
        and not person.is_staff
        and not person.makers.exists()
        and not person.enrolments.exists()
        and ways_in(person=person) == 1
    )
