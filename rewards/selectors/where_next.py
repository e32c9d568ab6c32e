"""Where a maker's next quotes pay most: the coming sessions' rates beside the depth that competed there lately."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from rewards.analysis.calculator import Place, Rate, hour_of_one_lot, rate_of
from rewards.analysis.errors import PackedCellsError
from rewards.analysis.means import session_sums
from rewards.analysis.packing import CellSums
from rewards.engine.kinds import KINDS
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms
from rewards.errors import NotFoundError
from rewards.models import Epoch, Program, QuoteCells, QuoteRun
from rewards.selectors.actions import actions_behind, sessions_of, splits_of
from rewards.selectors.parsed_terms import terms_of
from rewards.selectors.rows import SessionRow

LOOKED_BACK, LOOKED_AHEAD = 3, 2
"""Epochs that were measured, and epochs whose terms are fixed or announced."""
SESSIONS_BACK = 3
"""Of each kind so many sessions are looked at for one that has been measured to its end."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was in a market in its newest session of a kind; own: the maker's quality there, beside `place.others`."""

    place: Place
    own: int
    start_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A market in a coming session. one_lot_raw: what one more lot at the reference on both sides earns an hour (the
    token's smallest unit), None where nothing was measured yet.
    """

    market: str
    session: SessionRow
    epoch: int
    rate: Rate
    measured: Measured | None
    one_lot_raw: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereNext:
    """sessions: the first to come of each kind (the present one included), by time; chances: by market and session.

    now: the session that runs; better: the next one that pays more than it. terms: of the first epoch (None: no epoch
    runs or is announced).
    """

    program: Program
    now_ms: int
    now: SessionRow | None
    better: SessionRow | None
    sessions: tuple[SessionRow, ...]
    chances: tuple[Chance, ...]
    terms: Mapping[int, Terms]


def where_next(*, program: str, maker: str, now_ms: int) -> WhereNext:
    """Return the coming sessions for a maker, in at most 18 queries; NotFoundError when there is no such programme."""
    found = Program.objects.filter(slug=program).first()
    if found is None:
        raise NotFoundError(kind="programme", name=program)
    epochs = list(found.epochs.select_related("program").filter(end_ms__gt=now_ms).order_by("number")[:LOOKED_AHEAD])
    ahead = [_Ahead.of(epoch) for epoch in epochs]
    coming = [(each, row) for each in ahead for row in each.rows if row.end_ms > now_ms]
    firsts: dict[str, tuple[_Ahead, SessionRow]] = {}
    for each, row in coming:
        firsts.setdefault(row.kind, (each, row))
    now = next((row for _, row in coming if row.start_ms <= now_ms), None)
    least = now.boost_percent if now else 0
    measured = _measured(found, maker=maker, now_ms=now_ms)
    return WhereNext(
        program=found,
        now_ms=now_ms,
        now=now,
        better=next((row for _, row in coming if row.start_ms > now_ms and row.boost_percent > least), None),
        sessions=tuple(row for _, row in firsts.values()),
        chances=tuple(
            _chance(each, market, row, measured.get((market, row.kind)))
            for market in sorted({market for each in ahead for market in each.terms.markets})
            for each, row in firsts.values()
            if market in each.terms.markets
        ),
        terms={each.number: each.terms for each in ahead},
    )


@dataclass(frozen=True, slots=True)
class _Ahead:
    """An epoch that runs or comes."""

    number: int
    terms: Terms
    rows: Sequence[SessionRow]
    lengths_ms: dict[str, int]

    @classmethod
    def of(cls, epoch: Epoch) -> "_Ahead":
        terms = terms_of(epoch=epoch)
        rows = [
            SessionRow(start_ms=start, end_ms=end, kind=kind, boost_percent=terms.boosts[kind])
            for start, end, kind in sessions_of(epoch=epoch).rows
        ]
        lengths = dict.fromkeys(KINDS, 0)
        for row in rows:
            lengths[row.kind] += row.length_ms
        return cls(epoch.number, terms, rows, lengths)


def _chance(epoch: _Ahead, market: str, session: SessionRow, measured: Measured | None) -> Chance:
    rate = rate_of(terms=epoch.terms, market=market, kind=session.kind, lengths_ms=epoch.lengths_ms)
    one_lot_raw = None
    if measured is not None:
        target_lots = epoch.terms.markets[market].target_lots
        one_lot_raw = hour_of_one_lot(rate=rate, others=measured.place.others, target_lots=target_lots)
    return Chance(market=market, session=session, epoch=epoch.number, rate=rate, measured=measured,
                  one_lot_raw=one_lot_raw)  # fmt: skip


def _measured(program: Program, *, maker: str, now_ms: int) -> dict[tuple[str, str], Measured]:
    """Return the newest session of each market and kind that has been measured to its end, else the one that runs."""
    begun = program.epochs.select_related("program").filter(start_ms__lte=now_ms)
    epochs = list(begun.order_by("-number")[:LOOKED_BACK])
    kinds: dict[int, Sessions] = {}
    split: set[tuple[int, str]] = set()
    for epoch in epochs:
        actions = actions_behind(epoch=epoch)
        kinds[epoch.pk] = sessions_of(epoch=epoch, actions=actions)
        # Sums of an epoch with a split are in finer lots than its terms; the next epoch's are plain again.
        split |= {(epoch.pk, each.market) for each in splits_of(actions, end_ms=epoch.end_ms)}
    lately = _lately([(epoch.start_ms, kinds[epoch.pk]) for epoch in epochs], now_ms=now_ms)
    rows = QuoteCells.objects.filter(epoch__in=kinds, start_ms__in=lately)
    newest: dict[tuple[str, str], tuple[bool, int, int]] = {}
    for pk, epoch_id, market, start_ms, is_whole in rows.values_list(
        "pk", "epoch_id", "market", "start_ms", "is_whole"
    ):
        key = (market, lately[start_ms])
        if (epoch_id, market) not in split:
            newest[key] = max(newest.get(key, (False, 0, 0)), (is_whole, start_ms, pk))
    chosen = {pk: key for key, (_, _, pk) in newest.items()}
    rows = QuoteCells.objects.filter(pk__in=chosen)
    former = _added_up(rows.filter(sums__isnull=True))
    found = {}
    for pk, start_ms, until_ms, stored in rows.values_list("pk", "start_ms", "until_ms", "sums"):
        market, kind = chosen[pk]
        sums = stored or former.get(pk)
        # Without lit time, and where sums are of an older form, there are no means.
        if sums and sums["lit_ms"]:
            found[market, kind] = _means(sums, market, kind, maker=maker, start_ms=start_ms, until_ms=until_ms)
    return found


def _added_up(rows: QuerySet[QuoteCells]) -> dict[int, dict[str, Any]]:
    """Add up sessions that were stored before their sums were; those of an older form are left out."""
    found = {}
    runs = QuoteRun.objects.filter(epoch=OuterRef("epoch"), market=OuterRef("market")).values("makers")
    for pk, cells, makers in rows.annotate(of=Subquery(runs)).values_list("pk", "cells", "of"):
        with suppress(PackedCellsError):
            found[pk] = session_sums(sums=CellSums.unpack(bytes(cells)), makers=makers)
    return found


def _lately(epochs: Sequence[tuple[int, Sessions]], *, now_ms: int) -> dict[int, str]:
    """Return the kinds of the newest sessions of each kind, by where their sums start. epochs: newest first."""
    found: dict[str, list[int]] = {}
    for epoch_start_ms, sessions in epochs:
        for start_ms, _, kind in reversed(sessions.rows):
            if start_ms <= now_ms and len(found.setdefault(kind, [])) < SESSIONS_BACK:
                found[kind].append(max(start_ms, epoch_start_ms))
    return {start_ms: kind for kind, starts in found.items() for start_ms in starts}


def _means(sums: Mapping[str, Any], market: str, kind: str, *, maker: str, start_ms: int, until_ms: int) -> Measured:
    """Take the means of a session over its lit time."""
    lit_ms, own = sums["lit_ms"], sums["makers"].get(maker, 0.0)
    place = Place(market=market, kind=kind, reference=round(sums["reference"] / lit_ms),
                  others=max(0, round((sums["quality"] - own) / lit_ms)))  # fmt: skip
    return Measured(place=place, own=round(own / lit_ms), start_ms=start_ms, until_ms=until_ms)
