"""Gathers the inputs of an epoch from the database: everything that its root depends on, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import MakerAddress, PayoutAccount
from onchain.selectors import market_events_arrow
from rewards.engine.evidence import EventColumns, Inputs
from rewards.engine.live import MarketScorer
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms, parse_terms
from rewards.errors import NotYetError
from rewards.models import Carry, Entitlement, Epoch
from rewards.services.correction_kinds import makers_corrected

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
        makers=_makers(epoch),
    )


def gather(*, epoch: Epoch) -> Inputs:
    """Return the inputs of an epoch.

    Raises NotYetError while the epoch before it is not scored, and the errors of onchain's market events.
    """
    before = check_epoch_before(epoch)
    ground = ground_of(epoch)
    events = market_events_arrow(markets=list(ground.terms.markets), from_ms=epoch.start_ms, to_ms=epoch.end_ms)
    return Inputs(
        terms=ground.terms,
        sessions=ground.sessions,
        makers=ground.makers,
        payouts=_payouts(),
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


def _makers(epoch: Epoch) -> dict[str, str]:
    """Return address to maker, of the addresses that were enrolled when the epoch began, with its corrections."""
    rows = MakerAddress.objects.filter(since_ms__lte=epoch.start_ms).order_by("address")
    return makers_corrected(epoch=epoch, makers=dict(rows.values_list("address", "maker__slug")))


def _payouts() -> dict[str, list[tuple[str, int]]]:
    payouts: dict[str, list[tuple[str, int]]] = {}
    rows = PayoutAccount.objects.order_by("maker__slug", "position")
    for maker, account, share_ppm in rows.values_list("maker__slug", "account", "share_ppm"):
        payouts.setdefault(maker, []).append((account, share_ppm))
    return payouts


def _previous(before: Epoch | None) -> list[tuple[str, str, int]] | None:
    if before is None:
        return None
    rows = Entitlement.objects.filter(Q(epoch=before)).order_by("account", "token")
    return list(rows.values_list("account", "token", "cumulative"))
