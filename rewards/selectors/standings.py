"""Who stands where in an epoch: final amounts once it is scored, estimates while it is live."""

from dataclasses import dataclass

from django.db.models import Max, Sum

from accounts.models import Maker
from onchain.fields import ExactIntegerField
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
    """Return what every maker (or one) gets in every market, final or estimated, in at most two queries."""
    if epoch.paid_total is None:
        return _estimates(epoch, maker)
    rows = Allocation.objects.filter(epoch=epoch).order_by("market", "maker")
    totals = dict(rows.order_by().values_list("market").annotate(_sum("payout")))
    wanted = rows if maker is None else rows.filter(maker=maker)
    return [
        PoolPay(
            market=market, maker=name, quoting=quoting, fills=fills, stress=stress, payout=payout, accrued=payout,
            most=payout, as_of_ms=epoch.end_ms, share_ppm=share_ppm(part=payout, whole=totals[market]),
        )
        for market, name, quoting, fills, stress, payout in wanted.values_list(
            "market", "maker", "quoting", "fills", "stress", "payout"
        )
    ]  # fmt: skip


def _estimates(epoch: Epoch, maker: str | None) -> list[PoolPay]:
    standing = LiveStanding.objects.filter(epoch=epoch).order_by("market", "maker")
    wanted = standing if maker is None else standing.filter(maker=maker)
    rows = wanted.values_list(
        "market", "maker", "quoting", "fills", "stress", "estimate", "accrued", "most", "as_of_ms", "share_ppm"
    )
    return [
        PoolPay(
            market=market, maker=name, quoting=quoting, fills=fills, stress=stress, payout=estimate, accrued=accrued,
            most=most, as_of_ms=as_of_ms, share_ppm=share,
        )
        for market, name, quoting, fills, stress, estimate, accrued, most, as_of_ms, share in rows
    ]  # fmt: skip


def standings(*, epoch: Epoch) -> list[StandingRow]:
    """Return all makers of an epoch, best paid first (ties by id), in two queries; the database adds up."""
    if epoch.paid_total is None:
        sums = (_sum("estimate"), _sum("accrued"), _sum("most"), Max("as_of_ms"))
        rows = LiveStanding.objects.filter(epoch=epoch).order_by().values_list("maker").annotate(*sums)
        places = [(maker, payout, accrued, most, as_of_ms) for maker, payout, accrued, most, as_of_ms in rows]
    else:
        paid = Allocation.objects.filter(epoch=epoch).order_by().values_list("maker").annotate(_sum("payout"))
        places = [(maker, payout, payout, payout, epoch.end_ms) for maker, payout in paid]
    names = dict(Maker.objects.values_list("slug", "name"))
    whole = sum(payout for _, payout, *_ in places)
    newest_ms = max((as_of_ms for *_, as_of_ms in places), default=epoch.start_ms)
    return [
        StandingRow(
            rank=rank,
            maker=maker,
            name=names.get(maker, maker),
            payout=payout,
            accrued=accrued,
            most=most,
            share_ppm=share_ppm(part=payout, whole=whole),
            as_of_ms=newest_ms,
            is_estimate=epoch.paid_total is None,
        )
        for rank, (maker, payout, accrued, most, _) in enumerate(
            sorted(places, key=lambda place: (-place[1], place[0])), start=1
        )
    ]


def share_ppm(*, part: int, whole: int) -> int:
    """Return part of whole in parts per million, rounded down; 0 of nothing."""
    return part * PPM // whole if whole else 0


def _sum(column: str) -> Sum:
    return Sum(column, output_field=ExactIntegerField())
