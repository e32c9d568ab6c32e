"""A programme's money over time: budget, earned, paid, unspent by epoch, and where the epochs that are fixed lead."""

from dataclasses import dataclass
from itertools import groupby

from rewards.models import Epoch

RATE_OF = 4
"""The projection goes on at the rate of so many epochs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One epoch and all before it, in the token's smallest unit. is_scored: False for what is still to come."""

    number: int
    start_ms: int
    end_ms: int
    state: str
    is_scored: bool
    budget: int
    earned: int
    paid: int
    unspent: int
    budget_so_far: int
    earned_so_far: int
    paid_so_far: int
    unspent_so_far: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSpend:
    """A programme's scored epochs, then the live and scheduled ones at the rate of the last `RATE_OF`.

    rate_bps: what part of their budgets makers earned there. paying: what of `paid` the chain pays out already; the
    rest waits for its approval.
    """

    slug: str
    name: str
    token_symbol: str
    token_decimals: int
    rows: tuple[SpendRow, ...]
    rate_bps: int
    paying: int

    @property
    def scored(self) -> tuple[SpendRow, ...]:
        """Those that are over."""
        return tuple(row for row in self.rows if row.is_scored)

    @property
    def coming(self) -> tuple[SpendRow, ...]:
        """Those that run or are scheduled; what they earn is a projection."""
        return tuple(row for row in self.rows if not row.is_scored)


def program_spends(*, slug: str | None = None) -> list[ProgramSpend]:
    """Return every programme's spend (or one's, by `slug`), in one query. Vetoed epochs have paid nothing."""
    rows = Epoch.objects.brief().order_by("program__slug", "number")
    if slug is not None:
        rows = rows.filter(program__slug=slug)
    return [_spend(list(group)) for _, group in groupby(rows, key=lambda row: row.program_id)]


def _spend(epochs: list[Epoch]) -> ProgramSpend:
    program = epochs[0].program
    scored = [epoch for epoch in epochs if epoch.paid_total is not None and epoch.state != Epoch.State.VETOED]
    coming = [epoch for epoch in epochs if epoch.state in (Epoch.State.LIVE, Epoch.State.SCHEDULED)]
    newest = scored[-RATE_OF:]
    earned, budget = sum(map(_earned, newest)), sum(epoch.budget for epoch in newest)
    rate_bps = earned * 10_000 // budget if budget else 0
    rows: list[SpendRow] = []
    for epoch in [*scored, *coming]:
        is_scored = epoch.paid_total is not None
        of_epoch = _earned(epoch) if is_scored else epoch.budget * rate_bps // 10_000
        paid = (epoch.paid_total or 0) if is_scored else of_epoch
        before = rows[-1] if rows else None
        rows.append(
            SpendRow(
                number=epoch.number, start_ms=epoch.start_ms, end_ms=epoch.end_ms, is_scored=is_scored,
                state=str(Epoch.State(epoch.state).label), budget=epoch.budget, earned=of_epoch, paid=paid,
                unspent=epoch.budget - of_epoch,
                budget_so_far=(before.budget_so_far if before else 0) + epoch.budget,
                earned_so_far=(before.earned_so_far if before else 0) + of_epoch,
                paid_so_far=(before.paid_so_far if before else 0) + paid,
                unspent_so_far=(before.unspent_so_far if before else 0) + epoch.budget - of_epoch,
            )
        )  # fmt: skip
    return ProgramSpend(
        slug=program.slug, name=program.name, token_symbol=program.token_symbol,
        token_decimals=program.token_decimals, rows=tuple(rows), rate_bps=rate_bps,
        paying=sum(epoch.paid_total or 0 for epoch in scored if epoch.state == Epoch.State.ACTIVE),
    )  # fmt: skip


def _earned(epoch: Epoch) -> int:
    return (epoch.paid_total or 0) + (epoch.carried_out_total or 0) - (epoch.carried_in_total or 0)
