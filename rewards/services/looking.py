"""Looks at a market at one moment of an epoch, from a maker's side; reads only."""

from onchain.selectors import market_events_arrow
from rewards.analysis.moment import Looker, Moment
from rewards.engine.events import EventColumns, MarketEvents
from rewards.errors import NotFoundError
from rewards.models import Epoch, QuoteCells
from rewards.services.gathering import ground_of


def moment_of(*, epoch: Epoch, market: str, maker: str, time_ms: int) -> Moment:
    """Return what a market looked like at a time (ms UTC), with the maker's own orders in it.

    The session's events up to then are replayed. Raises NotFoundError where nothing is known (yet), onchain's errors
    of market events and the engine's.
    """
    rows = QuoteCells.objects.filter(epoch=epoch, market=market, start_ms__lte=time_ms, until_ms__gt=time_ms)
    row = rows.order_by("-start_ms").defer("cells").first()
    if row is None:
        raise NotFoundError(kind=f"record of {market}", name=f"time {time_ms}")
    ground = ground_of(epoch)
    to_ms = time_ms + LATE_MS
    table = market_events_arrow(
        markets=[market], from_ms=row.from_ms, to_ms=to_ms, carry_in=not row.state, splits=ground.splits_by_market
    )
    table = ground.with_halts(table, markets=[market], from_ms=row.from_ms, to_ms=to_ms)
    events = EventColumns.from_arrow(table).split(makers=ground.makers).get(market, MarketEvents.none())
    terms, sessions, makers = ground.terms, ground.sessions, ground.makers
    if row.state:
        looker = Looker.restore(
            bytes(row.state), terms=terms, market=market, sessions=sessions, makers=makers, splits=ground.splits
        )
    else:
        looker = Looker(terms=terms, market=market, sessions=sessions, makers=makers, splits=ground.splits)
    return looker.look(time_ms=time_ms, events=events, maker=maker)


LATE_MS = 60_000
"""A block up to this much later may tell of something at the moment (an expiry, told by the first block after it)."""
