"""Services of a request for enrolment: asked, its addresses proven, withdrawn or refused. Accepting it knows epochs and
is in rewards/services/makers.py."""

import re
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import eligibility
from accounts.errors import (
    AddressTakenError,
    EnrolmentClosedError,
    EnrolmentFieldError,
    IneligibleError,
    NotPermittedError,
    NotQuotingError,
    ReasonMissingError,
)
from accounts.fields import address_pattern
from accounts.models import Enrolment, Maker, MakerAddress, QuotingProof, User
from accounts.quoting import quoting_check
from accounts.roles import Deed, Person, may_ask_for_enrolment, require
from accounts.sign_in import Asked
from onchain.rpc import RpcClient

MOST_ADDRESSES: Final = 50
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NOBODY: Final = "0x" + "0" * 40
_WHO_ASKS: Final = "people who have signed in and neither decide on pay nor watch over it"


def enrolment_ask(
    *, by: Person, slug: str, name: str, contact: str, region: str, payout_account: str, terms_version: str
) -> Enrolment:
    """Ask for a maker's enrolment. terms_version: that of the terms which the person was shown and accepted.

    Raises NotPermittedError; EnrolmentFieldError, which names the field; and IneligibleError for an excluded region.
    """
    if not may_ask_for_enrolment(person=by) or not isinstance(by, User):
        raise NotPermittedError(what="Asking for a maker's enrolment", who=_WHO_ASKS)
    terms = eligibility.enrolment_terms()
    fields = {"slug": slug, "name": name, "contact": contact}
    _check_fields(fields=fields, region=region, payout_account=payout_account.lower())
    if terms_version != terms.version:
        raise EnrolmentFieldError(field="accepted", reason="Read the terms, and accept them as they are now.")
    _check_eligible(region=region, addresses=[payout_account])
    try:
        with transaction.atomic():
            return Enrolment.objects.create(
                **fields, region=region, payout_account=payout_account.lower(), terms_version=terms.version,
                terms_text=terms.text, asked_by=by,
            )  # fmt: skip
    except IntegrityError as error:
        if by.enrolments.filter(state=Enrolment.State.OPEN).exists():
            reason = "A request of yours waits for review. Withdraw it first, or wait for its answer."
            raise EnrolmentFieldError(field="name", reason=reason) from error
        raise _slug_taken(slug) from error


def enrolment_address_prove(
    client: RpcClient, *, by: Person, asked: Asked, enrolment: Enrolment, text: str, signature: bytes
) -> QuotingProof:
    """Add an address to a request by its signature (accounts/quoting.py); the request holds it until it is decided.

    Raises NotPermittedError, SignInError's kinds, IneligibleError, and AddressTakenError when a maker or another
    request has the address.
    """
    _require_asker(by, enrolment)
    proven = quoting_check(client, by=by, asked=asked, slug=enrolment.slug, text=text, signature=signature)
    _check_eligible(region="", addresses=[proven.address])
    held = MakerAddress.objects.filter(address=proven.address, until_ms=None).select_related("maker").first()
    if held is not None:
        raise AddressTakenError(address=proven.address, maker=held.maker.name)
    try:
        with transaction.atomic():
            locked = _open(enrolment)
            if locked.proofs.filter(is_claim=True).count() >= MOST_ADDRESSES:
                reason = f"A request has at most {MOST_ADDRESSES} addresses. Add the others once it is accepted."
                raise EnrolmentFieldError(field="address", reason=reason)
            return proven.store(enrolment=locked)
    except IntegrityError as error:
        raise AddressTakenError(address=proven.address, maker="of a request that waits for review") from error


@transaction.atomic
def enrolment_address_drop(*, by: Person, enrolment: Enrolment, address: str) -> None:
    """Take an address out of an open request. Raises NotPermittedError, EnrolmentClosedError, NotQuotingError."""
    _require_asker(by, enrolment)
    if not _open(enrolment).proofs.filter(address=address.lower(), is_claim=True).update(is_claim=False):
        raise NotQuotingError(address=address, maker=enrolment.name)


@transaction.atomic
def enrolment_withdraw(*, by: Person, enrolment: Enrolment) -> None:
    """Take one's request back; its addresses are free again. Raises NotPermittedError and EnrolmentClosedError."""
    _require_asker(by, enrolment)
    _close(_open(enrolment), state=Enrolment.State.WITHDRAWN, by=by, reason="")


@transaction.atomic
def enrolment_refuse(*, by: Person, enrolment: Enrolment, reason: str) -> None:
    """Refuse a request, with a reason that the person who asked reads.

    Raises NotPermittedError, ReasonMissingError and EnrolmentClosedError.
    """
    require(person=by, deed=Deed.ENROL_MAKERS)
    if not reason.strip():
        raise ReasonMissingError
    _close(_open(enrolment), state=Enrolment.State.REFUSED, by=by, reason=reason.strip()[:500])


def _close(enrolment: Enrolment, *, state: Enrolment.State, by: Person, reason: str) -> None:
    enrolment.state, enrolment.decided_by, enrolment.reason = state, by.get_username(), reason
    enrolment.decided_at = timezone.now()
    enrolment.save()
    enrolment.proofs.update(is_claim=False)


def _open(enrolment: Enrolment) -> Enrolment:
    locked = Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    if locked.state != Enrolment.State.OPEN:
        raise EnrolmentClosedError(state=locked.get_state_display())
    return locked


def _require_asker(by: Person, enrolment: Enrolment) -> None:
    if not isinstance(by, User) or not by.is_active or by.pk != enrolment.asked_by_id:
        raise NotPermittedError(what="Changing this request", who="the person who asked")


def _check_eligible(*, region: str, addresses: list[str]) -> None:
    reasons = eligibility.problems(region=region, quoting=addresses, paid=())
    if reasons:
        raise IneligibleError(reasons=reasons)


def _check_fields(*, fields: dict[str, str], region: str, payout_account: str) -> None:
    if not _SLUG.fullmatch(fields["slug"]) or len(fields["slug"]) > 50:
        reason = "The id has small letters, digits and single hyphens, 50 at most: for example north-star."
        raise EnrolmentFieldError(field="slug", reason=reason)
    if Maker.objects.filter(slug=fields["slug"]).exists():
        raise _slug_taken(fields["slug"])
    for field, most in (("name", 80), ("contact", 200)):
        if not fields[field].strip() or len(fields[field]) > most:
            raise EnrolmentFieldError(field=field, reason=f"Say the {field}, in at most {most} characters.")
        # Names stand in mails, tables and public files: no line breaks, and nothing that hides or turns letters.
        if not fields[field].isprintable():
            raise EnrolmentFieldError(field=field, reason=f"Write the {field} in one line of visible letters.")
    if region not in eligibility.countries():
        raise EnrolmentFieldError(field="region", reason="Choose the country in which the maker is established.")
    if not address_pattern.fullmatch(payout_account) or payout_account == _NOBODY:
        reason = "Name the account that is to be paid: 0x and 40 letters and digits."
        raise EnrolmentFieldError(field="payout_account", reason=reason)


def _slug_taken(slug: str) -> EnrolmentFieldError:
    return EnrolmentFieldError(field="slug", reason=f"The id {slug} is taken. Choose another one.")
