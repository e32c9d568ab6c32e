"""What quoting pays an hour in each kind of session, when the epoch goes as planned (docs/spec/scoring.md, Payout)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.views.figures.week import SessionLike, boost_levels
from rewards.views.words import HOUR_MS, KIND_NAMES, SECOND_MS

BPS = 10_000


@dataclass(frozen=True, slots=True)
class KindRate:
    """One kind of session: how long it lasts in the epoch, and what all makers together can earn in it.

    Amounts are in the token's smallest unit and assume that the markets trade throughout; a halt moves its
    part to the hours that remain, so the true rate is known only when the epoch is over.
    """

    kind: str
    name: str
    boost_percent: int
    level: int
    length_ms: int
    second_raw: int
    hour_raw: int
    total_raw: int


def kind_rates(*, terms: Mapping[str, Any], sessions: Sequence[SessionLike]) -> tuple[KindRate, ...]:
    """Spread the quoting pools of all markets over the epoch's sessions by their boosts.

    Args:
        terms: the terms' JSON document.
        sessions: contiguous, half-open; ms UTC.

    Returns:
        The kinds that occur in the epoch, in the order of KIND_NAMES.
    """
    boosts = terms["boosts"]
    lengths = dict.fromkeys(KIND_NAMES, 0)
    for session in sessions:
        lengths[session.kind] += session.end_ms - session.start_ms
    boosted_ms = sum(boosts[kind] * length for kind, length in lengths.items())
    pool = quoting_pool(terms=terms)
    levels = boost_levels(boosts=boosts)
    return tuple(
        KindRate(
            kind=kind,
            name=KIND_NAMES[kind],
            boost_percent=boosts[kind],
            level=levels[kind],
            length_ms=length,
            second_raw=_part(pool, boosts[kind] * SECOND_MS, boosted_ms),
            hour_raw=_part(pool, boosts[kind] * HOUR_MS, boosted_ms),
            total_raw=_part(pool, boosts[kind] * length, boosted_ms),
        )
        for kind, length in lengths.items()
        if length
    )


def offered_so_far(*, terms: Mapping[str, Any], sessions: Sequence[SessionLike], now_ms: int) -> int:
    """Return what all makers together could have earned by quoting from the epoch's start to now, rounded down.

    It is the most: halts and books that were thin pay less. sessions: the epoch's, by time; ms UTC.
    """
    boosts = terms["boosts"]
    whole = sum(boosts[each.kind] * (each.end_ms - each.start_ms) for each in sessions)
    past = sum(boosts[each.kind] * max(0, min(each.end_ms, now_ms) - each.start_ms) for each in sessions)
    return _part(quoting_pool(terms=terms), past, whole)


def quoting_pool(*, terms: Mapping[str, Any]) -> int:
    """Sum the quoting pools of all markets, floors as in the specification."""
    budget = int(terms["budget"])
    pools = (
        (budget * market["weight_bps"] // BPS) * market["quoting_share_bps"] // BPS
        for market in terms["markets"].values()
    )
    return sum(pools)


def _part(pool: int, weight: int, whole: int) -> int:
    return pool * weight // whole if whole else 0
