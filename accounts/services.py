"""Writes of who is who: makers, their quoting addresses and where their pay goes."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from accounts.errors import AddressTakenError, PayoutSharesError
from accounts.models import Maker, MakerAddress, PayoutAccount

PPM = 1_000_000


@transaction.atomic
def maker_enrol(*, slug: str, name: str, addresses: Iterable[str], since_ms: int) -> Maker:
    """Enrol a maker with the addresses that quote for it; doing it twice is the same as doing it once.

    The addresses count in epochs that start at or after `since_ms` (ms, UTC). Raises AddressTakenError when one of
    them quotes for another maker already.
    """
    maker, _ = Maker.objects.update_or_create(slug=slug, defaults={"name": name})
    for address in addresses:
        held, _ = MakerAddress.objects.get_or_create(
            address=address.lower(), defaults={"maker": maker, "since_ms": since_ms}
        )
        if held.maker_id != maker.pk:
            raise AddressTakenError(address=held.address, maker=held.maker.slug)
    return maker


@transaction.atomic
def maker_payouts_set(*, maker: Maker, shares: Sequence[tuple[str, int]]) -> None:
    """Name the accounts that receive a maker's pay, with their shares in parts per million; the first gets the dust.

    Counts from the next scoring on. Raises PayoutSharesError unless the shares sum to a million and no account is
    named twice.
    """
    accounts = [account.lower() for account, _ in shares]
    total_ppm = sum(share_ppm for _, share_ppm in shares)
    if total_ppm != PPM or len(set(accounts)) != len(accounts) or any(share_ppm < 1 for _, share_ppm in shares):
        raise PayoutSharesError(maker=maker.slug, total_ppm=total_ppm)
    maker.payout_accounts.all().delete()
    PayoutAccount.objects.bulk_create(
        PayoutAccount(maker=maker, position=position, account=account, share_ppm=share_ppm)
        for position, (account, (_, share_ppm)) in enumerate(zip(accounts, shares, strict=True))
    )
