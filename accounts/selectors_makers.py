"""Reads of makers by epoch: which addresses quote for whom, where pay goes, and what stands against somebody."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts import eligibility
from accounts.models import Enrolment, Maker, MakerAddress, PayoutPlan


def quoting_addresses(*, start_ms: int) -> dict[str, str]:
    """Return address to maker, of an epoch that starts then (ms, UTC); nothing that happens later changes it.

    A maker with an address on the sanctions list that counted by then is left out with all its addresses.
    """
    rows = addresses_at(start_ms=start_ms).order_by("address").values_list("address", "maker__slug")
    makers = dict(rows)
    listing = eligibility.sanctions_at(start_ms=start_ms)
    out = {makers[address] for address in makers.keys() & listing.names.keys()}
    return {address: maker for address, maker in makers.items() if maker not in out}


def addresses_at(*, start_ms: int) -> QuerySet[MakerAddress]:
    """Return the addresses that count in an epoch that starts then, whoever is on a list."""
    begun = MakerAddress.objects.filter(since_ms__lte=start_ms)
    return begun.filter(Q(until_ms=None) | Q(until_ms__gt=start_ms))


def payouts_at(*, start_ms: int) -> dict[str, list[tuple[str, int]]]:
    """Return maker to its payout accounts with their parts per million, of an epoch that starts then (ms, UTC)."""
    plans = PayoutPlan.objects.filter(since_ms__lte=start_ms, replaced_at=None)
    # The latest of each maker stays.
    latest = {plan.maker_id: plan for plan in plans.order_by("since_ms")}
    found = {
        plan.maker.slug: [(row.account, row.share_ppm) for row in plan.accounts.all()]
        for plan in _with_accounts([plan.pk for plan in latest.values()])
    }
    return dict(sorted(found.items()))


def plan_at(*, maker: Maker, start_ms: int) -> PayoutPlan | None:
    """Return the maker's plan in force for an epoch that starts then (ms, UTC)."""
    plans = maker.payout_plans.filter(since_ms__lte=start_ms, replaced_at=None)
    return plans.order_by("-since_ms").prefetch_related("accounts").first()


def plan_coming(*, maker: Maker, start_ms: int) -> PayoutPlan | None:
    """Return the maker's plan that starts to count after that time, if it has named one."""
    plans = maker.payout_plans.filter(since_ms__gt=start_ms, replaced_at=None)
    return plans.order_by("since_ms").prefetch_related("accounts").first()


def maker_problems(*, maker: Maker, start_ms: int) -> list[str]:
    """Return what stands by today's lists against a maker and its quoting addresses, as sentences.

    start_ms: of the epoch that is asked about, now for none.
    """
    accepted = maker.enrolments.filter(state=Enrolment.State.ACCEPTED).order_by("-pk").first()
    quoting = addresses_at(start_ms=start_ms).filter(maker=maker).values_list("address", flat=True)
    return eligibility.problems(region=accepted.region if accepted else "", quoting=list(quoting), paid=())


def enrolment_problems(*, enrolment: Enrolment, listing: eligibility.Listing | None = None) -> list[str]:
    """Return why a request can't be accepted now, as sentences; empty when it can.

    Whoever asks for many requests has their proofs fetched before, and passes the newest sanctions list.
    """
    quoting = [proof.address for proof in enrolment.proofs.all() if proof.is_claim]
    paid = [enrolment.payout_account]
    found = eligibility.problems(region=enrolment.region, quoting=quoting, paid=paid, listing=listing)
    return found if quoting else ["No quoting address has been proven yet.", *found]


def _with_accounts(keys: Iterable[int]) -> QuerySet[PayoutPlan]:
    return PayoutPlan.objects.filter(pk__in=list(keys)).select_related("maker").prefetch_related("accounts")
