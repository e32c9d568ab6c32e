"""Service of withheld pay: what a maker earned that may not be paid stays with the treasury, and the epoch goes on."""

from django.db import transaction

from accounts.models import Maker
from accounts.roles import Deed, Person, require
from accounts.selectors_makers import maker_problems
from accounts.services import change_note
from onchain.models import ChainDistributor
from rewards.errors import NotWithheldError
from rewards.models import Epoch, Withholding
from rewards.services.scoring import epoch_reopen

_OPEN = (Epoch.State.LIVE, Epoch.State.SCORED, Epoch.State.EMPTY, Epoch.State.VETOED)


@transaction.atomic
def pay_withhold(*, by: Person, epoch: Epoch, maker: Maker, reason: str) -> Withholding:
    """Have a maker's pay of an epoch go to the treasury's own account, because by law it may not be paid.

    Nobody else's pay changes by it: the maker's quotes count as they did, and payouts.csv of the evidence names the
    treasury. A scored epoch is scored again. A treasurer does it. Raises NotPermittedError; NotWithheldError when
    nothing stands against the maker, no reason is given, or the epoch is past it; EpochStateError.
    """
    require(person=by, deed=Deed.WITHHOLD_PAY)
    against = maker_problems(maker=maker, start_ms=epoch.start_ms)
    if not against:
        raise NotWithheldError(maker=maker.name, reason="nothing stands against it by today's lists")
    if not reason.strip():
        raise NotWithheldError(maker=maker.name, reason="somebody will ask why: give a reason")
    locked = Epoch.objects.select_for_update().select_related("program").get(pk=epoch.pk)
    if locked.state not in _OPEN:
        raise NotWithheldError(maker=maker.name, reason=f"epoch {locked.number} is past it ({locked.state})")
    treasury = ChainDistributor.objects.get(address=locked.program.distributor).treasury
    if not treasury:
        raise NotWithheldError(maker=maker.name, reason="the contract has not been read yet; try again in a minute")
    why = f"{reason.strip()} {' '.join(against)}"
    row, _ = Withholding.objects.update_or_create(
        epoch=locked,
        maker=maker.slug,
        defaults={"account": treasury, "reason": why, "decided_by": by.get_username()},
    )
    what = f"The pay of epoch {locked.number} of {locked.program.name} stays with the treasury."
    change_note(maker=maker, by=by, what=what, reason=why)
    if locked.state != Epoch.State.LIVE:
        epoch_reopen(program=locked.program, number=locked.number)
    return row
