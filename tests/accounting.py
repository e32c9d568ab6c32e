"""Where a programme's money is, to the unit: budget = collected + ready + on its way + carried + returned."""

from dataclasses import dataclass

from onchain.models_tx import ChainClaim
from rewards.models import Entitlement, Epoch, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """All scored epochs of a programme together, in the token's smallest unit.

    budget: sum of the epochs' budgets. claimed: left the contract (Claimed events). claimable: granted by the active
    root and not collected. undecided: in scored epochs whose root does not pay yet. carried: earned but below the
    minimum payout, waiting for the next epoch. returned: not earned by anybody; never left the treasury.
    """

    budget: int
    claimed: int
    claimable: int
    undecided: int
    carried: int
    returned: int

    @property
    def difference(self) -> int:
        """What the parts miss of the budget: 0, or a defect."""
        return self.budget - self.claimed - self.claimable - self.undecided - self.carried - self.returned


def program_accounting(*, program_id: int) -> Accounting:
    """Return where the money of a programme's scored epochs is, in four queries."""
    program = Program.objects.get(pk=program_id)
    epochs = list(Epoch.objects.brief().filter(program=program, paid_total__isnull=False).order_by("number"))
    claimed = sum(
        ChainClaim.objects.filter(
            distributor__chain_id=program.chain_id, distributor__address=program.distributor, token=program.token
        ).values_list("amount", flat=True)
    )
    paying = [epoch for epoch in epochs if epoch.state == Epoch.State.ACTIVE]
    granted = sum(Entitlement.objects.filter(epoch=paying[-1]).values_list("cumulative", flat=True)) if paying else 0
    return Accounting(
        budget=sum(epoch.budget for epoch in epochs),
        claimed=claimed,
        claimable=granted - claimed,
        undecided=sum(epoch.paid_total or 0 for epoch in epochs if epoch.state != Epoch.State.ACTIVE),
        carried=(epochs[-1].carried_out_total or 0) if epochs else 0,
        returned=sum(epoch.unspent or 0 for epoch in epochs),
    )
