"""Services of makers that know epochs: a request is accepted, addresses come and go, a maker leaves.

Each counts from the next epoch on; `now_ms` is the chain's clock.
"""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts import eligibility
from accounts.errors import (
    EnrolmentClosedError,
    EnrolmentFieldError,
    IneligibleError,
    NotQuotingError,
    OwnEnrolmentError,
    ReasonMissingError,
)
from accounts.members import member_add
from accounts.models import Enrolment, Maker, MakerAddress, QuotingProof, User
from accounts.quoting import quoting_check
from accounts.roles import Deed, Person, may, require, require_makers_admin
from accounts.selectors_makers import enrolment_problems
from accounts.services import address_attach, change_note, maker_payouts_set
from accounts.sign_in import Asked
from onchain.rpc import RpcClient
from rewards.services.boundary import boundary_hold

WHOLE_PPM = 1_000_000


@transaction.atomic
def enrolment_accept(*, by: Person, enrolment: Enrolment, reason: str, now_ms: int) -> Maker:
    """Accept a request: the maker and its addresses count from the next epoch on, and who asked is its admin.

    An operator does it, other than who asked or has proven an address. Raises NotPermittedError, OwnEnrolmentError,
    ReasonMissingError, EnrolmentClosedError, IneligibleError with what stands against it, and AddressTakenError.
    """
    require(person=by, deed=Deed.ENROL_MAKERS)
    locked = Enrolment.objects.select_for_update().select_related("asked_by").get(pk=enrolment.pk)
    if locked.state != Enrolment.State.OPEN:
        raise EnrolmentClosedError(state=locked.get_state_display())
    proofs = list(locked.proofs.filter(is_claim=True))
    _check_four_eyes(by, locked, proofs)
    if not reason.strip():
        raise ReasonMissingError
    against = enrolment_problems(enrolment=locked)
    if against:
        raise IneligibleError(reasons=against)
    since_ms = boundary_hold(now_ms=now_ms)
    if Maker.objects.filter(slug=locked.slug).exists():
        raise EnrolmentFieldError(
            field="slug", reason=f"The id {locked.slug} is a maker's meanwhile. Refuse this request."
        )
    maker = Maker.objects.create(slug=locked.slug, name=locked.name)
    for proof in proofs:
        address_attach(maker=maker, address=proof.address, since_ms=since_ms, proof=proof)
    maker_payouts_set(
        by=by, maker=maker, shares=[(locked.payout_account, WHOLE_PPM)], since_ms=0, reason="Named in the request."
    )
    member_add(by=by, maker=maker, person=locked.asked_by, is_admin=True)
    locked.proofs.update(is_claim=False)
    locked.state, locked.decided_by, locked.decided_at = Enrolment.State.ACCEPTED, by.get_username(), timezone.now()
    locked.reason, locked.since_ms, locked.maker = reason.strip()[:500], since_ms, maker
    locked.save()
    change_note(maker=maker, by=by, what=f"{maker.name} was enrolled with {_count(len(proofs))}.", reason=reason)
    return maker


def address_add(
    client: RpcClient, *, by: Person, asked: Asked, maker: Maker, text: str, signature: bytes, now_ms: int
) -> MakerAddress:
    """Have one more address quote for the maker, by its signature (accounts/quoting.py).

    An admin of the maker does it. Raises NotPermittedError, SignInError's kinds, IneligibleError, AddressTakenError.
    """
    require_makers_admin(person=by, maker=maker, what="Adding a quoting address")
    proven = quoting_check(client, by=by, asked=asked, slug=maker.slug, text=text, signature=signature)
    reasons = eligibility.listed([proven.address])
    if reasons:
        raise IneligibleError(reasons=list(reasons.values()))
    with transaction.atomic():
        since_ms = boundary_hold(now_ms=now_ms)
        row = address_attach(maker=maker, address=proven.address, since_ms=since_ms, proof=proven.store())
        change_note(maker=maker, by=by, what=f"{row.address} quotes for the maker.")
    return row


@transaction.atomic
def address_remove(*, by: Person, maker: Maker, address: str, reason: str, now_ms: int) -> int:
    """End an address's time with the maker; returns from which epoch's start on it no longer counts (ms, UTC).

    An admin of the maker does it. Raises NotPermittedError, ReasonMissingError and NotQuotingError.
    """
    require_makers_admin(person=by, maker=maker, what="Removing a quoting address")
    if not reason.strip():
        raise ReasonMissingError
    until_ms = boundary_hold(now_ms=now_ms)
    row = maker.addresses.select_for_update().filter(address=address.lower(), until_ms=None).first()
    if row is None:
        raise NotQuotingError(address=address, maker=maker.name)
    _end(row, until_ms=until_ms)
    change_note(maker=maker, by=by, what=f"{row.address} no longer quotes for the maker.", reason=reason)
    return until_ms


@transaction.atomic
def maker_leave(*, by: Person, maker: Maker, reason: str, now_ms: int) -> int:
    """End the time of all the maker's addresses; returns from which epoch's start on it earns nothing (ms, UTC).

    What it has earned, and carries, is still paid. An admin of the maker does it, or an operator who says why. Raises
    NotPermittedError and ReasonMissingError.
    """
    if not may(person=by, deed=Deed.ENROL_MAKERS):
        require_makers_admin(person=by, maker=maker, what="Ending the enrolment")
    if not reason.strip():
        raise ReasonMissingError
    until_ms = boundary_hold(now_ms=now_ms)
    for row in maker.addresses.select_for_update().filter(until_ms=None):
        _end(row, until_ms=until_ms)
    change_note(maker=maker, by=by, what=f"{maker.name} leaves the programme.", reason=reason)
    return until_ms


def _end(row: MakerAddress, *, until_ms: int) -> None:
    # An address that has not begun ends where it begins: it never counts.
    row.until_ms = max(until_ms, row.since_ms)
    row.save(update_fields=["until_ms"])


def _check_four_eyes(by: Person, enrolment: Enrolment, proofs: Sequence[QuotingProof]) -> None:
    own = {wallet.address for wallet in by.wallets.all()} if isinstance(by, User) and by.pk else set()
    if by.pk == enrolment.asked_by_id or own & {enrolment.payout_account, *(proof.address for proof in proofs)}:
        raise OwnEnrolmentError


def _count(addresses: int) -> str:
    return "1 address" if addresses == 1 else f"{addresses} addresses"
