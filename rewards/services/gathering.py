"""Gathers the inputs of an epoch from the database: everything that its root depends on, and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from django.db.models import Q

from accounts.selectors_makers import payouts_at, quoting_addresses
from onchain.selectors import market_events_arrow
from rewards.engine.allocation import PPM
from rewards.engine.evidence import EventColumns, Inputs
from rewards.engine.live import MarketScorer
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split, that_count
from rewards.engine.terms import Terms, parse_terms
from rewards.engine.vaults import Vaults
from rewards.errors import NotYetError
from rewards.models import Carry, Entitlement, Epoch, MarketAction, Withholding
from rewards.selectors.actions import actions_behind, halts_of, sessions_of, splits_of
from rewards.services.correction_kinds import makers_corrected
from rewards.services.entered_halts import Halts, with_entered_halts

SCORED = (Epoch.State.SCORED, Epoch.State.PROPOSED, Epoch.State.APPROVED, Epoch.State.ACTIVE, Epoch.State.EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the replay of an epoch's markets depends on beside their events.

    makers: enrolled address to maker. splits: of its markets before its end. halts: those that people entered, by
    market, as (from_ms, to_ms). actions: the entries that splits, halts and sessions come from.
    """

    terms: Terms
    sessions: Sessions
    makers: Mapping[str, str]
    splits: Sequence[Split] = ()
    halts: Halts = field(default_factory=dict)
    actions: Sequence[MarketAction] = ()

    def scorer(self, market: str, *, state: bytes | None = None) -> MarketScorer:
        """Return a scorer of a market that goes on from `state`, or begins. Raises StateError."""
        if state is None:
            return MarketScorer(
                terms=self.terms, market=market, sessions=self.sessions, makers=self.makers, splits=self.splits
            )
        return MarketScorer.restore(
            state, terms=self.terms, market=market, sessions=self.sessions, makers=self.makers, splits=self.splits
        )

    @property
    def splits_by_market(self) -> dict[str, list[tuple[int, int, int]]]:
        """The splits as onchain takes them: (time_ms, new, old) by market."""
        found: dict[str, list[tuple[int, int, int]]] = {}
        for split in self.splits:
            found.setdefault(split.market, []).append((split.time_ms, split.new, split.old))
        return found

    def with_halts(self, table: pa.Table, *, markets: Collection[str], from_ms: int, to_ms: int) -> pa.Table:
        """Return the chain's events of a time with the halts that people entered among them."""
        return with_entered_halts(
            table, halts=self.halts, epoch=self.terms.epoch, markets=markets, from_ms=from_ms, to_ms=to_ms
        )


def ground_of(epoch: Epoch) -> Ground:
    """Gather what an epoch's replay depends on beside the events."""
    terms = parse_terms(epoch.terms_json.encode())
    actions = actions_behind(epoch=epoch)
    return Ground(
        terms=terms,
        sessions=sessions_of(epoch=epoch, actions=actions),
        makers=makers_corrected(epoch=epoch, makers=quoting_addresses(start_ms=epoch.start_ms)),
        splits=splits_of(actions, end_ms=epoch.end_ms),
        halts=halts_of(actions, epoch=epoch),
        actions=actions,
    )


def gather(*, epoch: Epoch, ground: Ground | None = None, vaults: Vaults | None = None) -> Inputs:
    """Return the inputs of an epoch, on a ground that was gathered before or on a fresh one.

    vaults: those in force in it (services/vaults.py), None for none.

    Raises NotYetError while the epoch before it is not scored, and the errors of onchain's market events.
    """
    before = check_epoch_before(epoch)
    ground = ground or ground_of(epoch)
    withheld = dict(Withholding.objects.filter(epoch=epoch).values_list("maker", "account"))
    counted = (vaults or Vaults()).without(makers=withheld.keys())
    markets = list(ground.terms.markets)
    table = market_events_arrow(
        markets=markets, from_ms=epoch.start_ms, to_ms=epoch.end_ms, splits=ground.splits_by_market
    )
    table = ground.with_halts(table, markets=markets, from_ms=epoch.start_ms, to_ms=epoch.end_ms)
    events = EventColumns.from_arrow(table)
    return Inputs(
        terms=ground.terms,
        sessions=ground.sessions,
        makers=ground.makers,
        payouts=_payouts(epoch, counted, withheld),
        vaults=counted,
        carried_in=dict(Carry.objects.filter(epoch=before).values_list("maker", "amount")) if before else {},
        previous=_previous(before),
        events=events,
        splits=_splits_that_count(ground, events),
    )


def _splits_that_count(ground: Ground, events: EventColumns) -> list[Split]:
    """Leave out what changes no number, so that an epoch long after a split has no more to say of it."""
    codes = {name: code for code, name in enumerate(events.market.values.to_pylist())}
    kept: list[Split] = []
    epoch = ground.terms.epoch
    for market in sorted({split.market for split in ground.splits} & set(codes)):
        first_ms = int(events.time_ms[events.market.codes == codes[market]][0])
        kept += that_count(
            ground.splits, market=market, first_ms=first_ms, start_ms=epoch.start_ms, end_ms=epoch.end_ms
        )
    return kept


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
