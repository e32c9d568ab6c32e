"""Gathers the inputs of an epoch from the database: everything that its root depends on, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from accounts.selectors_makers import payouts_at, quoting_addresses
from onchain.selectors import market_events_arrow
from rewards.engine.allocation import PPM
from rewards.engine.evidence import EventColumns, Inputs
from rewards.engine.live import MarketScorer
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms, parse_terms
from rewards.engine.vaults import Vaults
from rewards.errors import NotYetError
from rewards.models import Carry, Entitlement, Epoch, Withholding

SCORED = (Epoch.State.SCORED, Epoch.State.PROPOSED, Epoch.State.APPROVED, Epoch.State.ACTIVE, Epoch.State.EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the replay of an epoch's markets depends on beside their events. makers: enrolled address to maker."""

    terms: Terms
    sessions: Sessions
    makers: Mapping[str, str]

    def scorer(self, market: str, *, state: bytes | None = None) -> MarketScorer:
        """Return a scorer of a market that goes on from `state`, or begins. Raises StateError."""
        if state is None:
            return MarketScorer(terms=self.terms, market=market, sessions=self.sessions, makers=self.makers)
        return MarketScorer.restore(state, terms=self.terms, market=market, sessions=self.sessions, makers=self.makers)


def ground_of(epoch: Epoch) -> Ground:
    """Gather what an epoch's replay depends on beside the events."""
    return Ground(
        terms=parse_terms(epoch.terms_json.encode()),
        sessions=Sessions.from_rows(epoch.sessions.order_by("start_ms").values_list("start_ms", "end_ms", "kind")),
        makers=quoting_addresses(start_ms=epoch.start_ms),
    )


def gather(*, epoch: Epoch, vaults: Vaults | None = None) -> Inputs:
    """Return the inputs of an epoch. vaults: those in force in it (services/vaults.py), None for none.

    Raises NotYetError while the epoch before it is not scored, and the errors of onchain's market events.
    """
    before = check_epoch_before(epoch)
    ground = ground_of(epoch)
    withheld = dict(Withholding.objects.filter(epoch=epoch).values_list("maker", "account"))
    counted = (vaults or Vaults()).without(makers=withheld.keys())
    events = market_events_arrow(markets=list(ground.terms.markets), from_ms=epoch.start_ms, to_ms=epoch.end_ms)
    return Inputs(
        terms=ground.terms,
        sessions=ground.sessions,
        makers=ground.makers,
        payouts=_payouts(epoch, counted, withheld),
        vaults=counted,
        carried_in=dict(Carry.objects.filter(epoch=before).values_list("maker", "amount")) if before else {},
        previous=_previous(before),
        events=EventColumns.from_arrow(events),
    )


def check_epoch_before(epoch: Epoch) -> Epoch | None:
    """Return the epoch whose tree this one continues, None for the first. Raises NotYetError until it is scored."""
    before = epoch_before(epoch)
    if before is not None and before.state not in SCORED:
        raise NotYetError(what=f"Scoring epoch {epoch.number}", waits_for=f"epoch {before.number} to be scored")
    return before


def epoch_before(epoch: Epoch) -> Epoch | None:
    """Return the programme's epoch before this one, None for the first."""
    return Epoch.objects.filter(program_id=epoch.program_id, number__lt=epoch.number).order_by("-number").first()


def _payouts(epoch: Epoch, vaults: Vaults, withheld: Mapping[str, str]) -> dict[str, list[tuple[str, int]]]:
    """Return each maker's accounts by its plan when the epoch began.

    A maker with a vault is paid there and nowhere else; pay that is withheld (maker to account) goes to the treasury.
    """
    plans = payouts_at(start_ms=epoch.start_ms)
    in_vaults = {maker: [(vault, PPM)] for vault, maker in vaults.operators}
    return plans | in_vaults | {maker: [(account, PPM)] for maker, account in withheld.items()}


def _previous(before: Epoch | None) -> list[tuple[str, str, int]] | None:
    if before is None:
        return None
    rows = Entitlement.objects.filter(Q(epoch=before)).order_by("account", "token")
    return list(rows.values_list("account", "token", "cumulative"))
