"""Who stands where in an epoch: final amounts once it is scored, estimates while it is live."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Sum

from accounts.models import Maker
from rewards.models import Allocation, Epoch, LiveStanding

PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPay:
    """What one maker gets in one market, in the token's smallest unit.

    quoting, fills, stress: before the cap. payout: after it. accrued: what is safe so far if the maker stopped
    quoting now, most: what it comes to if the maker is present for all that is left (docs/scorecard.md). Both equal
    payout once the epoch is scored. share_ppm: of what all makers get in the market.
    """

    market: str
    maker: str
    quoting: int
    fills: int
    stress: int
    payout: int
    accrued: int
    share_ppm: int
    as_of_ms: int
    most: int = 0

    @property
    def cut_by_cap(self) -> int:
        """How much the cap took; negative when unspent money was shared out on top."""
        return self.quoting + self.fills + self.stress - self.payout


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """A maker's place in an epoch over all markets; `is_estimate` while the epoch is live."""

    rank: int
    maker: str
    name: str
    payout: int
    accrued: int
    share_ppm: int
    as_of_ms: int
    is_estimate: bool
    most: int = 0


def pool_pays(*, epoch: Epoch, maker: str | None = None) -> list[PoolPay]:
    """Return what every maker gets in every market, final or estimated, in one query; of one maker in two at most."""
    chosen = {"epoch": epoch} if maker is None else {"epoch": epoch, "maker": maker}
    if epoch.paid_total is not None:
        rows = list(Allocation.objects.filter(**chosen))
        totals = _totals((row.market, row.payout) for row in rows) if maker is None else _market_totals(epoch)
        return [
            PoolPay(
                market=row.market,
                maker=row.maker,
                quoting=row.quoting,
                fills=row.fills,
                stress=row.stress,
                payout=row.payout,
                accrued=row.payout,
                most=row.payout,
                as_of_ms=epoch.end_ms,
                share_ppm=share_ppm(part=row.payout, whole=totals[row.market]),
            )
            for row in rows
        ]
    return [
        PoolPay(
            market=row.market,
            maker=row.maker,
            quoting=row.quoting,
            fills=row.fills,
            stress=row.stress,
            payout=row.estimate,
            accrued=row.accrued,
            most=row.most,
            as_of_ms=row.as_of_ms,
            share_ppm=row.share_ppm,
        )
        for row in LiveStanding.objects.filter(**chosen)
    ]


def standings(*, epoch: Epoch) -> list[StandingRow]:
    """Return all makers of an epoch, best paid first (ties by id), in two queries."""
    pays = pool_pays(epoch=epoch)
    names = dict(Maker.objects.values_list("slug", "name"))
    payout = _totals((row.maker, row.payout) for row in pays)
    accrued = _totals((row.maker, row.accrued) for row in pays)
    most = _totals((row.maker, row.most) for row in pays)
    whole = sum(payout.values())
    as_of_ms = max((row.as_of_ms for row in pays), default=epoch.start_ms)
    order = sorted(payout, key=lambda maker: (-payout[maker], maker))
    return [
        StandingRow(
            rank=rank,
            maker=maker,
            name=names.get(maker, maker),
            payout=payout[maker],
            accrued=accrued[maker],
            most=most[maker],
            share_ppm=share_ppm(part=payout[maker], whole=whole),
            as_of_ms=as_of_ms,
            is_estimate=epoch.paid_total is None,
        )
        for rank, maker in enumerate(order, start=1)
    ]


def share_ppm(*, part: int, whole: int) -> int:
    """Return part of whole in parts per million, rounded down; 0 of nothing."""
    return part * PPM // whole if whole else 0


def _market_totals(epoch: Epoch) -> dict[str, int]:
    sums = Allocation.objects.filter(epoch=epoch).values_list("market").annotate(Sum("payout")).order_by()
    return {market: int(whole) for market, whole in sums}


def _totals(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for key, amount in rows:
        totals[key] += amount
    return totals
