"""Writes of who is who: makers, their quoting addresses and where their pay goes."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import AddressTakenError, NotPermittedError, PayoutSharesError
from accounts.models import Maker, MakerAddress, MakerChange, PayoutAccount, PayoutPlan, QuotingProof
from accounts.roles import Deed, Person, names_payouts, require

PPM = 1_000_000


@transaction.atomic
def maker_enrol(*, by: Person, slug: str, name: str, addresses: Iterable[str], since_ms: int) -> Maker:
    """Enrol a maker with the addresses that quote for it; doing it twice is the same as doing it once.

    For an operator who sets a service up; makers ask by themselves (docs/makers.md). The addresses count in epochs
    that start at or after `since_ms` (ms, UTC). Raises NotPermittedError, and AddressTakenError when one of them
    quotes for another maker already.
    """
    require(person=by, deed=Deed.ENROL_MAKERS)
    maker, created = Maker.objects.update_or_create(slug=slug, defaults={"name": name})
    for address in addresses:
        if not maker.addresses.filter(address=address.lower(), until_ms=None).exists():
            address_attach(maker=maker, address=address, since_ms=since_ms)
    if created:
        change_note(maker=maker, by=by, what=f"{name} was enrolled.")
    return maker


def address_attach(*, maker: Maker, address: str, since_ms: int, proof: QuotingProof | None = None) -> MakerAddress:
    """Have an address quote for a maker. Of two makers at once the database lets one have it: AddressTakenError."""
    try:
        with transaction.atomic():
            return MakerAddress.objects.create(maker=maker, address=address.lower(), since_ms=since_ms, proof=proof)
    except IntegrityError as error:
        held = MakerAddress.objects.filter(address=address.lower()).select_related("maker").last()
        if held is None:
            raise
        raise AddressTakenError(address=held.address, maker=held.maker.name) from error


@transaction.atomic
def maker_payouts_set(
    *,
    by: Person,
    maker: Maker,
    shares: Sequence[tuple[str, int]],
    since_ms: int,
    labels: Mapping[str, str] | None = None,
    reason: str = "",
) -> PayoutPlan:
    """Name the accounts that receive a maker's pay, with their shares in parts per million; the first gets the dust.

    Counts in epochs that start at or after `since_ms` (ms, UTC); a plan with that start is replaced. Raises
    NotPermittedError, and PayoutSharesError unless the shares sum to a million and no account is named twice.
    """
    if not names_payouts(person=by, maker=maker):
        raise NotPermittedError(what=f"Saying where the pay of {maker.name} goes", who="its admins")
    accounts = [account.lower() for account, _ in shares]
    total_ppm = sum(share_ppm for _, share_ppm in shares)
    if total_ppm != PPM or len(set(accounts)) != len(accounts) or any(share_ppm < 1 for _, share_ppm in shares):
        raise PayoutSharesError(maker=maker.slug, total_ppm=total_ppm)
    Maker.objects.select_for_update().get(pk=maker.pk)
    maker.payout_plans.filter(since_ms=since_ms, replaced_at=None).update(replaced_at=timezone.now())
    plan = PayoutPlan.objects.create(maker=maker, since_ms=since_ms, made_by=by.get_username(), reason=reason)
    PayoutAccount.objects.bulk_create(
        PayoutAccount(
            plan=plan, position=position, account=account, share_ppm=share_ppm, label=(labels or {}).get(account, "")
        )
        for position, (account, (_, share_ppm)) in enumerate(zip(accounts, shares, strict=True))
    )
    return plan


def change_note(*, maker: Maker, by: Person, what: str, reason: str = "") -> None:
    """Write down what a person changed of a maker, and why, for its members to read."""
    MakerChange.objects.create(maker=maker, by=by.get_username(), what=what[:500], reason=reason[:500])
