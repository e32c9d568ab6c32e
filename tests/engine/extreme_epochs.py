"""Draws epochs at the edges: prices, sizes, times and amounts near what 64 bits or the stated bounds hold."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tests.engine.random_epochs import (
    Epoch,
    by_kind,
    draw_people,
    draw_terms,
    merge,
    write_epoch,
)


def draw_extreme(rng: Random, *, size: int = 1) -> Epoch:
    """An epoch whose prices, sizes, times or amounts lie near what 64 bits or the stated bounds can hold."""
    terms = draw_terms(rng)
    corners = rng.sample(("high", "band", "low", "lots", "target", "time", "money", "rest"), rng.choice((1, 1, 2)))
    if "time" in corners:
        length_ms = terms["epoch"]["end_ms"] - terms["epoch"]["start_ms"]
        start_ms = rng.choice((10**6, 2**52))
        terms["epoch"] |= {"start_ms": start_ms, "end_ms": start_ms + length_ms}
    if "money" in corners:
        terms |= {"budget": str(2 ** rng.choice((128, 250)) + 1), "min_payout": "0"}
    extremes = {name: corner(rng, rule, corners) for name, rule in terms["markets"].items()}
    epoch = draw_people(rng, terms)
    merge(rng, epoch, [epoch.walk(rng, name, size * rng.randint(10, 40), **extremes[name]) for name in extremes])
    return epoch


def corner(rng: Random, rule: dict[str, Any], corners: list[str]) -> dict[str, int]:
    """Changes a market's terms for the corners; gives the base price and scale of lots that go with them."""
    extremes = {}
    if "high" in corners:
        extremes["base_price"] = rng.choice((10**9, 10**10 + 7, 10**12, 2**53 + 1, 2**60 + 3, 2**61 + 9))
        rule["max_spread_bps"] = by_kind(rng, (0, 0, 0, 0, 0, 1))
    if "band" in corners:
        bps = rng.choice((1, 20, 300, 10000))
        rule["max_spread_bps"] = by_kind(rng, (bps,))
        widen = rule.get("stress", {}).get("widen_pct", 100) if rng.random() < 0.5 else 100
        at_bound = 3_000_000 * 10000 // (2 * bps) * 100 // widen
        extremes["base_price"] = at_bound + rng.choice((5, 0, -5, -500, -(10**4)))
    if "low" in corners:
        extremes["base_price"] = rng.randint(2, 9)
        rule["max_spread_bps"] = by_kind(rng, (1000, 3000, 10000))
        rule["clamp_bps"] = by_kind(rng, (0, 1000, 10000))
    if "lots" in corners:
        extremes["lots_scale"] = 2 ** rng.choice((20, 33, 36, 37, 38, 50, 56))
        rule["reference_depth_lots"] *= rng.choice((1, extremes["lots_scale"]))
    if "target" in corners:
        rule["target_lots"] = 2**62 // 10**6 + rng.choice((-1, 0, 0, 0, 1))
    if "rest" in corners:
        rule["min_rest_ms"] = rng.choice((0, 0, 0, 10**15))
        if "stress" in rule:
            lengths = ("window_ms", "hold_ms", "full_ms")
            rule["stress"] |= {name: rng.choice((500, 10**15)) for name in lengths}
            rule["stress"]["move_bps"] = rng.choice((1, 10, 10000))
    return extremes


def write_extreme_bundle(directory: Path, seed: int, *, size: int = 1) -> None:
    """Writes the inputs of the extreme epoch of that seed; about a third break one of the two bounds."""
    write_epoch(directory, draw_extreme(Random(seed), size=size))
