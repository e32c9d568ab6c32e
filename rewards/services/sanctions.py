"""Service of the sanctions list: a newer file is compared with the list in use, and takes its place."""

from dataclasses import dataclass

from django.db import transaction

from accounts import eligibility
from accounts.errors import SanctionsFileError
from accounts.models import SanctionedAddress, SanctionsList
from accounts.roles import Deed, Person, require
from rewards.models import Epoch, EpochCheck
from rewards.services.boundary import boundary_hold


@dataclass(frozen=True, slots=True, kw_only=True)
class SanctionsDiff:
    """What a file changes. added, removed: address to name. since_ms: None when it was only compared."""

    listing: eligibility.Listing
    before: eligibility.Listing
    added: dict[str, str]
    removed: dict[str, str]
    since_ms: int | None


@transaction.atomic
def sanctions_load(*, by: Person, content: bytes, now_ms: int, dry_run: bool = False) -> SanctionsDiff:
    """Load a sanctions file (accounts/data/sanctions.csv shows the format), or only say what it would change.

    Payment is checked against it at once; its addresses are kept out of epochs that begin later. now_ms: the chain's
    clock. An operator does it. Raises NotPermittedError, and SanctionsFileError also for a file that is older than
    the list in use.
    """
    require(person=by, deed=Deed.LOAD_SANCTIONS)
    listing, before = eligibility.sanctions_parse(content), eligibility.sanctions_now()
    if listing.as_of < before.as_of:
        reason = f"it is of {listing.as_of}, and the list in use is of {before.as_of}"
        raise SanctionsFileError(line=1, reason=reason)
    since_ms = None if dry_run else _store(listing, by=by, now_ms=now_ms)
    return SanctionsDiff(
        listing=listing,
        before=before,
        added={address: name for address, name in listing.names.items() if address not in before.names},
        removed={address: name for address, name in before.names.items() if address not in listing.names},
        since_ms=since_ms,
    )


def _store(listing: eligibility.Listing, *, by: Person, now_ms: int) -> int:
    row = SanctionsList.objects.create(
        sha256=listing.sha256, source=listing.source[:300], as_of=listing.as_of, loaded_by=by.get_username(),
        since_ms=boundary_hold(now_ms=now_ms),
    )  # fmt: skip
    SanctionedAddress.objects.bulk_create(
        SanctionedAddress(list=row, address=address, name=name) for address, name in listing.names.items()
    )
    # What passed by the list before says nothing any more: nothing is offered to sign until it is checked again.
    EpochCheck.objects.filter(epoch__state=Epoch.State.PROPOSED, stage=EpochCheck.Stage.APPROVAL).delete()
    return row.since_ms
