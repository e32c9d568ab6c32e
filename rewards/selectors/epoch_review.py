"""What stands on an epoch's review page beside the treasury's own facts: money left, change, what it bought, spend."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from django.db import connection

from rewards.models import Epoch, EpochStatistics

LOOK_BACK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What a maker or a market got, in the token's smallest unit. before: None where there is no earlier epoch.

    median: of up to eight earlier epochs.
    """

    name: str
    now: int
    before: int | None
    median: int | None

    @property
    def change(self) -> int | None:
        """More or less than in the epoch before."""
        return None if self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtRow:
    """What a market, or one kind of session in it, had. Depth is in lots, cost for a lot that rests for an hour.

    before: the same of the epoch before, None where there is none.
    """

    market: str
    kind: str | None
    pay: int
    spread_bps: float | None
    depth_25: float | None
    depth_100: float | None
    lot_hour: int | None
    dark_ms: int
    nobody_ms: int
    before: "BoughtRow | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochFacts:
    """Everything that was worked out of an epoch. document: None while it is not; note: what could not be."""

    document: Mapping[str, Any] | None
    note: str
    makers: tuple[ChangeRow, ...]
    markets: tuple[ChangeRow, ...]
    markets_bought: tuple[BoughtRow, ...]
    sessions_bought: tuple[BoughtRow, ...]
    earlier: int

    @property
    def unspent(self) -> dict[str, int]:
        """What nobody got, by reason; amounts below 0 were shared out among the others."""
        return {reason: int(text) for reason, text in ((self.document or {}).get("unspent") or {}).items()}

    @property
    def unspent_by_market(self) -> dict[str, dict[str, int]]:
        """The same by market."""
        rows = (self.document or {}).get("unspent_by_market") or {}
        return {market: {reason: int(text) for reason, text in row.items()} for market, row in rows.items()}


def epoch_facts(*, epoch: Epoch) -> EpochFacts:
    """Return what was worked out of an epoch, beside the epochs before it; four queries."""
    earlier = list(
        Epoch.objects.brief()
        .filter(program_id=epoch.program_id, number__lt=epoch.number, paid_total__isnull=False)
        .exclude(state=Epoch.State.VETOED)
        .order_by("-number")[:LOOK_BACK]
    )
    epochs = [epoch, *earlier]
    stored = {
        row.epoch_id: row
        for row in EpochStatistics.objects.filter(epoch__in=epochs[:2])
        if row.manifest_hash == {each.pk: each.manifest_hash for each in epochs[:2]}[row.epoch_id]
    }
    own = stored.get(epoch.pk)
    document = own.document if own else None
    before = stored.get(earlier[0].pk) if earlier else None
    bought = _bought(document, before.document if before else None)
    by_maker, by_market = _pay(epochs)
    return EpochFacts(
        document=document,
        note=own.note if own else "",
        makers=_changes(by_maker, epochs),
        markets=_changes(by_market, epochs),
        markets_bought=tuple(row for row in bought if row.kind is None),
        sessions_bought=tuple(row for row in bought if row.kind is not None),
        earlier=len(earlier),
    )


# Both sums in one pass: nine epochs of 200 markets and 40 makers are 72,000 rows.
_PAY = """
    SELECT epoch_id, maker, market, SUM(payout) FROM rewards_allocation WHERE epoch_id = ANY(%s)
    GROUP BY GROUPING SETS ((epoch_id, maker), (epoch_id, market))
"""


def _pay(epochs: list[Epoch]) -> tuple[dict[str, dict[int, int]], dict[str, dict[int, int]]]:
    by_maker: dict[str, dict[int, int]] = defaultdict(dict)
    by_market: dict[str, dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_PAY, [[epoch.pk for epoch in epochs]])
        for epoch_id, maker, market, payout in cursor.fetchall():
            by, name = (by_market, market) if maker is None else (by_maker, maker)
            by[name][epoch_id] = int(payout)
    return by_maker, by_market


def _changes(pay: Mapping[str, Mapping[int, int]], epochs: list[Epoch]) -> tuple[ChangeRow, ...]:
    now, earlier = epochs[0], epochs[1:]
    rows = [
        ChangeRow(
            name=name,
            now=row.get(now.pk, 0),
            before=row.get(earlier[0].pk, 0) if earlier else None,
            median=median_low([row.get(each.pk, 0) for each in earlier]) if earlier else None,
        )
        for name, row in pay.items()
    ]
    return tuple(sorted((row for row in rows if row.now or row.before), key=lambda row: (-row.now, row.name)))


def _bought(document: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> list[BoughtRow]:
    earlier = {(row["market"], row["kind"]): _bought_row(row, None) for row in (before or {}).get("bought", [])}
    rows = (document or {}).get("bought", [])
    return [_bought_row(row, earlier.get((row["market"], row["kind"]))) for row in rows]


def _bought_row(row: Mapping[str, Any], before: BoughtRow | None) -> BoughtRow:
    _, depth_25, _, depth_100 = row["depth_lots"]
    pay = int(row["pay_raw"])
    lot_hours = (depth_100 or 0) * row["lit_ms"] / 3_600_000
    return BoughtRow(
        market=row["market"], kind=row["kind"], pay=pay, spread_bps=row["spread_bps"], depth_25=depth_25,
        depth_100=depth_100, lot_hour=int(pay / lot_hours) if lot_hours else None, dark_ms=row["dark_ms"],
        nobody_ms=row["nobody_ms"], before=before,
    )  # fmt: skip
