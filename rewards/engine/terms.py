"""The terms of an epoch: what they are, and the strict reading of their JSON.

Source: docs/spec/scoring.md, *Terms*.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rewards.engine.errors import JsonError, TermsError
from rewards.engine.jsontext import canonical_json, parse_strict, read_json
from rewards.engine.termfields import Fields

__all__ = ["Curve", "EpochTerms", "MarketTerms", "StressTerms", "Terms", "canonical_json", "parse_terms", "read_terms"]

BPS = 10_000
CURVES = ("quadratic", "linear", "steps")
UNSPENT = ("return", "redistribute")


@dataclass(frozen=True)
class Curve:
    """How weight falls with distance. `steps`: pairs of fraction_ppm and weight_ppm; empty for the others."""

    kind: str
    steps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class StressTerms:
    """When a stress window opens, how long it holds, how much wider its band is and when its pool is full."""

    window_ms: int
    move_bps: int
    hold_ms: int
    widen_pct: int
    full_ms: int


@dataclass(frozen=True)
class MarketTerms:
    """The terms of one market. Mappings are keyed by the kind of session and hold all six."""

    weight_bps: int
    quoting_share_bps: int
    fills_share_bps: int
    stress_share_bps: int
    min_order_lots: int
    min_rest_ms: int
    reference_depth_lots: int
    max_spread_bps: Mapping[str, int]
    clamp_bps: Mapping[str, int]
    min_uptime_bps: Mapping[str, int]
    curve: Curve
    two_sided_divisor: int
    target_lots: int
    presence_lots: int
    max_share_bps: int
    stress: StressTerms | None


@dataclass(frozen=True)
class EpochTerms:
    """The epoch `[start_ms, end_ms)` and its number."""

    number: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Terms:
    """The terms of an epoch. Amounts are in the token's smallest unit, boosts in percent."""

    program: str
    token: str
    epoch: EpochTerms
    budget: int
    min_payout: int
    unspent: str
    boosts: Mapping[str, int]
    markets: Mapping[str, MarketTerms]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document of the terms, a fresh copy."""
        copy: dict[str, Any] = parse_strict(self.canonical, document="terms")
        return copy

    @cached_property
    def canonical(self) -> bytes:
        """The canonical JSON, which is what is hashed and written to terms.json."""
        return canonical_json(self.document)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the canonical JSON, 64 hex digits."""
        return hashlib.sha256(self.canonical).hexdigest()


def parse_terms(raw: bytes) -> Terms:
    """Read the terms from UTF-8 JSON. Raises TermsError, which names the key's path, for anything amiss."""
    problems: list[JsonError] = []
    document = read_json(raw, document="terms", problems=problems)
    # What the text as a whole gets wrong comes first; a document beside it is not looked at.
    terms = None if problems else read_terms(document, problems=problems)
    if terms is None or problems:
        first = problems[0]
        raise first if isinstance(first, TermsError) else TermsError(path=first.path, reason=first.reason)
    return terms


def read_terms(document: Any, *, problems: list[JsonError]) -> Terms:
    """Read the terms from a parsed document and append everything that is amiss to `problems`.

    What is returned may be used only if `problems` is empty. Problems that are there already, from the reading of the
    text, are not said again for the same path.
    """
    top = Fields(document, path="", problems=problems)
    if top.integer("version") != 1 and top.sound("version"):
        top.note(top.error("version", "only version 1 is known"))
    terms = Terms(
        program=top.text("program"),
        token=top.address("token"),
        epoch=_epoch(top.object("epoch")),
        budget=top.amount("budget"),
        min_payout=top.amount("min_payout"),
        unspent=top.choice("unspent", UNSPENT),
        boosts=top.by_kind("boosts", most=BPS),
        markets=_markets(top.object("markets")),
        document=document,
    )
    top.no_more()
    return terms


def _epoch(fields: Fields) -> EpochTerms:
    epoch = EpochTerms(
        number=fields.integer("number"), start_ms=fields.time_ms("start_ms"), end_ms=fields.time_ms("end_ms")
    )
    if epoch.end_ms <= epoch.start_ms and fields.sound("start_ms", "end_ms"):
        fields.note(fields.error("end_ms", "the epoch has to end after it starts"))
    fields.no_more()
    return epoch


def _markets(fields: Fields) -> dict[str, MarketTerms]:
    markets = {name: _market(fields.object(name)) for name in fields.names()}
    if "" in markets:
        fields.note(fields.error("", "a market needs a name"))
    total_bps = sum(market.weight_bps for market in markets.values())
    if total_bps > BPS:
        fields.note(TermsError(path=fields.path, reason=f"the weights sum to {total_bps} bps, more than {BPS}"))
    return markets


def _market(fields: Fields) -> MarketTerms:
    market = MarketTerms(
        weight_bps=fields.bps("weight_bps"),
        quoting_share_bps=fields.bps("quoting_share_bps"),
        fills_share_bps=fields.bps("fills_share_bps"),
        stress_share_bps=fields.bps("stress_share_bps"),
        min_order_lots=fields.integer("min_order_lots", least=1),
        min_rest_ms=fields.integer("min_rest_ms"),
        reference_depth_lots=fields.integer("reference_depth_lots", least=1),
        max_spread_bps=fields.by_kind("max_spread_bps", most=BPS),
        clamp_bps=fields.by_kind("clamp_bps", most=BPS),
        min_uptime_bps=fields.by_kind("min_uptime_bps", most=BPS),
        curve=_curve(fields.object("curve")),
        two_sided_divisor=fields.integer("two_sided_divisor"),
        target_lots=fields.integer("target_lots"),
        presence_lots=fields.integer("presence_lots", least=1),
        max_share_bps=fields.bps("max_share_bps"),
        stress=_stress(fields.object("stress")) if fields.has("stress") else None,
    )
    fields.no_more()
    shares_bps = market.quoting_share_bps + market.fills_share_bps + market.stress_share_bps
    if shares_bps != BPS and fields.sound("quoting_share_bps", "fills_share_bps", "stress_share_bps"):
        reason = f"the quoting, fills and stress shares sum to {shares_bps} bps instead of {BPS}"
        fields.note(TermsError(path=fields.path, reason=reason))
    if not fields.has("stress") and market.stress_share_bps:
        fields.note(fields.error("stress", "it may be absent only when stress_share_bps is 0"))
    return market


def _curve(fields: Fields) -> Curve:
    kind = fields.choice("kind", CURVES)
    steps = fields.steps("steps") if kind == "steps" else ()
    fields.no_more()
    return Curve(kind=kind, steps=steps)


def _stress(fields: Fields) -> StressTerms:
    stress = StressTerms(
        window_ms=fields.integer("window_ms", least=1),
        move_bps=fields.integer("move_bps", least=1, most=BPS),
        hold_ms=fields.integer("hold_ms", least=1),
        widen_pct=fields.integer("widen_pct", least=100),
        full_ms=fields.integer("full_ms"),
    )
    fields.no_more()
    return stress
