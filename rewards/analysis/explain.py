"""From an account's leaf back to payout shares, makers, markets, pools and sessions, each figure the sum of its parts.

Where a rule rounds a whole amount once, its parts are cut at the floors of the running sum, in order of time: each part
is right to one unit, and together they are the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.analysis.errors import AnalysisError, UnknownAccountError
from rewards.analysis.explained import Explanation, KindPart, MakerPart, MarketPart, Stretch, VaultPart
from rewards.analysis.statistics import By, market_statistics
from rewards.engine import scoring
from rewards.engine.allocation import AllocationRow, byte_order, split_paid
from rewards.engine.events import MarketEvents
from rewards.engine.inputs import Inputs
from rewards.engine.kinds import KIND_INDEX, KINDS
from rewards.engine.live import MarketScorer
from rewards.engine.marketstate import MarketScore
from rewards.engine.rules import SHARE_BITS
from rewards.engine.terms import BPS, Terms

_VOLUME = "volume in the replay's units"


def explain(inputs: Inputs, *, account: str) -> Explanation:
    """Score an epoch and explain one account, given in lower-case hex.

    Raises UnknownAccountError when nobody is paid there and no tree holds it; DataError, BoundError, PayoutError.
    """
    makers = [maker for maker in sorted(inputs.payouts, key=byte_order) if _is_paid(inputs, maker, account)]
    previous = {(owner, token): amount for owner, token, amount in inputs.previous or ()}
    if not makers and not any(owner == account for owner, _ in previous):
        raise UnknownAccountError(account=account, reason=_nobody(inputs, account))
    tables = inputs.events.split(makers=inputs.makers)
    replayed = {
        market: _replay(inputs, market, tables.get(market, MarketEvents.none()))
        for market in sorted(inputs.terms.markets, key=byte_order)
    }
    result = scoring.combine(inputs, {market: each.score for market, each in replayed.items()})
    token, leaves = inputs.terms.token, result.cumulative
    return Explanation(
        account=account,
        terms=inputs.terms,
        root=result.root,
        previous=previous.get((account, token), 0),
        increment=result.increments.get(account, 0),
        cumulative=sum(amount for owner, of_token, amount in leaves if (owner, of_token) == (account, token)),
        other_tokens=[(of, amount) for owner, of, amount in leaves if owner == account and of != token],
        makers=[_maker_part(inputs, result, replayed, maker, account) for maker in makers],
    )


@dataclass(frozen=True)
class _Replayed:
    """A market's score, and per maker its rows by session, or why there are none."""

    score: MarketScore
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    missing: str | None


def _replay(inputs: Inputs, market: str, events: MarketEvents) -> _Replayed:
    terms, sessions, makers = inputs.terms, inputs.sessions, inputs.makers
    try:
        found = market_statistics(
            terms=terms, market=market, sessions=sessions, makers=makers, events=events, splits=inputs.splits
        )
    except AnalysisError as error:
        scorer = MarketScorer(terms=terms, market=market, sessions=sessions, makers=makers, splits=inputs.splits)
        scorer.feed_market(events)
        return _Replayed(score=scorer.finish(), rows={}, missing=str(error))
    rows: dict[str, list[Mapping[str, Any]]] = {}
    volumes = found.exact_volumes(by=By.SESSION)
    for row, volume in zip(found.maker_table(by=By.SESSION).to_pylist(), volumes, strict=True):
        rows.setdefault(row["maker"], []).append(row | {_VOLUME: volume})
    return _Replayed(score=found.score, rows=rows, missing=None)


def _maker_part(
    inputs: Inputs, result: scoring.Result, replayed: Mapping[str, _Replayed], maker: str, account: str
) -> MakerPart:
    paid = result.paid.get(maker, 0)
    shares = inputs.payouts[maker]
    amounts = [amount for _, amount in split_paid(maker, paid, shares)] if paid else [0] * len(shares)
    accounts = [(owner, ppm, amount) for (owner, ppm), amount in zip(shares, amounts, strict=True)]
    vaults = [
        _vault_part(inputs, vault, operator, sum(got for owner, _, got in accounts if owner == vault), account)
        for (vault, of), operator in sorted(inputs.vaults.operators.items())
        if of == maker and _has_part(inputs, vault, operator, account)
    ]
    own = [
        (ppm, amount)
        for owner, ppm, amount in accounts
        if owner == account and (owner, maker) not in inputs.vaults.operators
    ]
    direct = sum(amount for _, amount in own)
    rows = {row.market: row for row in result.allocations if row.maker == maker}
    return MakerPart(
        maker=maker,
        addresses=sorted(address for address, owner in inputs.makers.items() if owner == maker),
        share_ppm=sum(ppm for ppm, _ in own),
        amount=direct + sum(part.held + part.dust for part in vaults),
        dust=sum(amount - paid * ppm // 1_000_000 for ppm, amount in own),
        earned=result.earned.get(maker, 0),
        carried_in=inputs.carried_in.get(maker, 0),
        paid=paid,
        carried_out=result.carried_out.get(maker, 0),
        accounts=accounts,
        markets=[
            _market_part(inputs.terms, market, maker, each, rows.get(market))
            for market, each in replayed.items()
            if maker in each.score.makers and (market in rows or maker in each.rows)
        ],
        direct=direct,
        vaults=vaults,
    )


def _vault_part(inputs: Inputs, vault: str, operator: str, amount: int, account: str) -> VaultPart:
    holders = inputs.vaults.holders.get(vault, {})
    total, weight = sum(holders.values()), holders.get(account, 0)
    floors = sum(amount * each // total for each in holders.values())
    return VaultPart(
        vault=vault,
        operator=operator,
        holders=len(holders),
        amount=amount,
        weight=weight,
        total_weight=total,
        held=amount * weight // total if total else 0,
        dust=amount - floors if account == operator else 0,
    )


def _market_part(terms: Terms, market: str, maker: str, replayed: _Replayed, row: AllocationRow | None) -> MarketPart:
    of_market = terms.markets[market]
    budget = terms.budget * of_market.weight_bps // BPS
    row = row or AllocationRow(market, maker, 0, 0, 0, 0)
    cap = budget * of_market.max_share_bps // BPS
    before_cap = row.quoting + row.fills + row.stress
    kinds_and_stretches = _Pools(terms, market, replayed.score, maker).split(replayed.rows.get(maker))
    return MarketPart(
        market=market,
        budget=budget,
        pools=_pools(terms, market),
        cap=cap,
        quoting=row.quoting,
        fills=row.fills,
        stress=row.stress,
        cut=before_cap - min(before_cap, cap),
        redistributed=row.payout - min(before_cap, cap),
        payout=row.payout,
        kinds=kinds_and_stretches[0],
        stretches=kinds_and_stretches[1],
        unplaced_stress=0 if replayed.missing is None else row.stress,
        no_statistics=replayed.missing,
    )


class _Pools:
    """The three pools of a market, and what one maker has of them (spec, *Payout of a market*)."""

    def __init__(self, terms: Terms, market: str, score: MarketScore, maker: str) -> None:
        self.of_market, self.score, self.maker = terms.markets[market], score, score.makers.index(maker)
        self.boosts = [terms.boosts[kind] for kind in KINDS]
        self.quoting, self.fills, self.stress = _pools(terms, market)
        self.quoting_divisor = sum(b * ms for b, ms in zip(self.boosts, score.live_ms, strict=True)) << SHARE_BITS
        self.volume = sum(b * v for by_kind in score.volume for b, v in zip(self.boosts, by_kind, strict=True))
        full_ms = self.of_market.stress.full_ms if self.of_market.stress else 0
        self.stress_divisor = max(score.stress_ms, full_ms) << SHARE_BITS

    def gated(self, kind: str) -> bool:
        """Say whether the uptime gate takes a kind's credit."""
        index = KIND_INDEX[kind]
        least = self.of_market.min_uptime_bps[kind] * self.score.live_ms[index]
        return self.score.present_ms[self.maker][index] * BPS < least

    def split(self, rows: Sequence[Mapping[str, Any]] | None) -> tuple[list[KindPart], list[Stretch]]:
        """Split the maker's amounts over its sessions, or over kinds where there are no rows by session."""
        parts = rows or self._rows_by_kind()
        boosts = [self.boosts[KIND_INDEX[row["kind"]]] for row in parts]
        gated = [self.gated(row["kind"]) for row in parts]
        credit = [0 if out else row["credit"] * b for row, b, out in zip(parts, boosts, gated, strict=True)]
        quoting = _cut(self.quoting, credit, self.quoting_divisor)
        fills = _cut(self.fills, [row[_VOLUME] * b for row, b in zip(parts, boosts, strict=True)], self.volume)
        stress = _cut(self.stress, [row["stress_credit"] for row in parts], self.stress_divisor)
        stretches = [
            Stretch(
                kind=row["kind"],
                start_ms=row.get("start_ms"),
                end_ms=row.get("end_ms"),
                credit=row["credit"],
                gated=out,
                quoting=amounts[0],
                fills=amounts[1],
                stress=amounts[2],
                statistics={name: row[name] for name in row if name != _VOLUME} if rows else None,
            )
            for row, out, *amounts in zip(parts, gated, quoting, fills, stress, strict=True)
        ]
        return [
            self._kind(kind, stretches) for kind in KINDS if any(each.kind == kind for each in stretches)
        ], stretches

    def _rows_by_kind(self) -> list[Mapping[str, Any]]:
        """Return what the score alone says."""
        credit, volume = self.score.credit[self.maker], self.score.volume[self.maker]
        return [
            {"kind": name, "credit": credit[kind], "stress_credit": 0, _VOLUME: volume[kind]}
            for kind, name in enumerate(KINDS)
            if credit[kind] or volume[kind]
        ]

    def _kind(self, kind: str, stretches: Iterable[Stretch]) -> KindPart:
        own, index = [each for each in stretches if each.kind == kind], KIND_INDEX[kind]
        return KindPart(
            kind=kind,
            boost_pct=self.boosts[index],
            gate_bps=self.of_market.min_uptime_bps[kind],
            live_ms=self.score.live_ms[index],
            present_ms=self.score.present_ms[self.maker][index],
            credit=self.score.credit[self.maker][index],
            gated=self.gated(kind),
            quoting=sum(each.quoting for each in own),
            fills=sum(each.fills for each in own),
            stress=sum(each.stress for each in own),
        )


def _pools(terms: Terms, market: str) -> tuple[int, int, int]:
    of_market = terms.markets[market]
    budget = terms.budget * of_market.weight_bps // BPS
    shares = (of_market.quoting_share_bps, of_market.fills_share_bps, of_market.stress_share_bps)
    return (budget * shares[0] // BPS, budget * shares[1] // BPS, budget * shares[2] // BPS)


def _cut(pool: int, parts: Sequence[int], divisor: int) -> list[int]:
    """Return `pool * sum(parts) // divisor` in parts: the steps of the floors of its running sum."""
    amounts, total, before = [], 0, 0
    for part in parts:
        total += part
        after = pool * total // divisor if divisor else 0
        amounts.append(after - before)
        before = after
    return amounts


def _is_paid(inputs: Inputs, maker: str, account: str) -> bool:
    """Say whether a maker's pay goes to an account, directly or through a vault."""
    for owner, _ in inputs.payouts[maker]:
        operator = inputs.vaults.operators.get((owner, maker))
        if owner == account if operator is None else _has_part(inputs, owner, operator, account):
            return True
    return False


def _has_part(inputs: Inputs, vault: str, operator: str, account: str) -> bool:
    return account == operator or account in inputs.vaults.holders.get(vault, {})


def _nobody(inputs: Inputs, account: str) -> str:
    """Say why there is nothing to explain."""
    if any(vault == account for vault, _ in inputs.vaults.operators):
        return "this is a vault, and what falls to it goes to the holders of its shares: ask for one of them"
    maker = inputs.makers.get(account)
    if maker is None:
        return "no maker is paid to this account in this epoch, and it is in no earlier tree"
    accounts = " and ".join(owner for owner, _ in inputs.payouts.get(maker, ()))
    paid = f"which is paid to {accounts}: ask for that" if accounts else "which has no payout account"
    return f"this is an address that {maker} quotes from, {paid}"
