"""An explanation as JSON: amounts and 64-bit products as decimal strings, times and statistics as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rewards.analysis.explained import Explanation, MakerPart, MarketPart


def to_json(found: Explanation) -> dict[str, Any]:
    """Return the explanation with amounts and credit as decimal strings."""
    return {
        "account": found.account,
        "epoch": found.terms.epoch.number,
        "program": found.terms.program,
        "token": found.terms.token,
        "root": found.root,
        **_texts(found, "previous", "increment", "cumulative"),
        "other_tokens": [{"token": token, "cumulative": str(amount)} for token, amount in found.other_tokens],
        "makers": [_maker_json(maker) for maker in found.makers],
    }


def _maker_json(maker: MakerPart) -> dict[str, Any]:
    return {
        "maker": maker.maker,
        "addresses": list(maker.addresses),
        "share_ppm": maker.share_ppm,
        **_texts(maker, "amount", "dust", "earned", "carried_in", "paid", "carried_out"),
        "vaults": [
            {
                "vault": part.vault,
                "operator": part.operator,
                "holders": part.holders,
                **_texts(part, "amount", "weight", "total_weight", "held", "dust"),
            }
            for part in maker.vaults
        ],
        "accounts": [{"account": a, "share_ppm": ppm, "amount": str(amount)} for a, ppm, amount in maker.accounts],
        "markets": [_market_json(market) for market in maker.markets],
    }


def _market_json(market: MarketPart) -> dict[str, Any]:
    pools = ("quoting", "fills", "stress")
    return {
        "market": market.market,
        **_texts(market, "budget", "cap", *pools, "cut", "redistributed", "payout", "unplaced_stress"),
        "pools": dict(zip(pools, map(str, market.pools), strict=True)),
        "no_statistics": market.no_statistics,
        "kinds": [
            {name: getattr(kind, name) for name in ("kind", "boost_pct", "gate_bps", "live_ms", "present_ms", "gated")}
            | _texts(kind, "credit", *pools)
            for kind in market.kinds
        ],
        "sessions": [
            {"kind": each.kind, "start_ms": each.start_ms, "end_ms": each.end_ms, "gated": each.gated}
            | _texts(each, "credit", *pools)
            | {"statistics": None if each.statistics is None else _statistics_json(each.statistics)}
            for each in market.stretches
        ],
    }


def _statistics_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of statistics; its 64-bit products, which JavaScript would round, become text."""
    large = ("credit", "stress_credit", "volume_lot_ticks")
    kept = {name: value for name, value in row.items() if name not in ("market", "maker", "kind", "start_ms", "end_ms")}
    return {name: str(value) if name in large else value for name, value in kept.items()}


def _texts(of: object, *names: str) -> dict[str, str]:
    return {name: str(getattr(of, name)) for name in names}
