"""Epochs with share splits, beside their twins in which the same is quoted and no split ever was."""

from __future__ import annotations

import csv
from copy import deepcopy
from fractions import Fraction
from math import prod
from pathlib import Path
from random import Random
from typing import Any

from tests.engine.random_epochs import Epoch, write_epoch
from tests.engine.scored_epochs import draw_payable

RATIOS = ((2, 1), (4, 1), (10, 1), (1, 2), (1, 10), (3, 2), (2, 3), (7, 5))
LOTS = ("min_order_lots", "reference_depth_lots", "target_lots", "presence_lots")

SplitRow = tuple[str, int, int, int]
"""Market, time_ms, new, old, as in splits.csv."""


def draw_twins(seed: int) -> tuple[Epoch, Epoch, list[SplitRow]]:
    """An epoch without a split, the same one as its markets' splits make it look, and the splits."""
    rng, twin = draw_payable(seed)
    splits = [split for market in twin.terms["markets"] for split in draw_splits(rng, twin, market)]
    # Sometimes ticks so small that the band is beyond the kernel's bound in fine units, and within it in the terms'.
    small = rng.choice((1, 1, 1, 50))
    for market, rule in twin.terms["markets"].items():
        # So that every number is whole in the units of every time.
        own = [
            (at_ms > twin.terms["epoch"]["start_ms"], new, old) for name, at_ms, new, old in splits if name == market
        ]
        ticks = prod(new if is_after else old for is_after, new, old in own)
        lots = prod(old if is_after else new for is_after, new, old in own)
        for event in twin.events:
            if event["market"] == market:
                multiply(event, price=Fraction(ticks * small), size=Fraction(lots))
        rule |= {name: rule[name] * lots for name in LOTS}
    return twin, after_splits(twin, splits), splits


def draw_splits(rng: Random, epoch: Epoch, market: str) -> list[SplitRow]:
    """None to two splits of a market, often at the epoch's start, at an event or among what is carried in."""
    start_ms, end_ms = epoch.terms["epoch"]["start_ms"], epoch.terms["epoch"]["end_ms"]
    times = [event["time_ms"] for event in epoch.events if event["market"] == market]
    early = [time_ms for time_ms in times if time_ms < start_ms]
    places = [rng.randint(start_ms, end_ms), rng.choice(times or [start_ms]), start_ms, *early[len(early) // 2 :][:1]]
    chosen = sorted(set(rng.sample(places, rng.choice((0, 1, 1, 2)))))
    return [(market, time_ms, *rng.choice(RATIOS)) for time_ms in chosen]


def after_splits(twin: Epoch, splits: list[SplitRow]) -> Epoch:
    """The epoch as the chain would tell it: every event in the units of its own time."""
    epoch = deepcopy(twin)
    start_ms = epoch.terms["epoch"]["start_ms"]
    for event in epoch.events:
        for market, at_ms, new, old in splits:
            if market != event["market"]:
                continue
            if start_ms < at_ms <= event["time_ms"]:
                multiply(event, price=Fraction(old, new), size=Fraction(new, old))
            elif event["time_ms"] < at_ms <= start_ms:
                multiply(event, price=Fraction(new, old), size=Fraction(old, new))
    return epoch


def multiply(event: dict[str, Any], *, price: Fraction, size: Fraction) -> None:
    """Multiply an event's numbers, which have to stay whole."""
    for name, factor in (("price", price), ("size", size)):
        if event[name] is not None:
            changed = event[name] * factor
            assert changed.denominator == 1, (event, name, factor)
            event[name] = int(changed)


def roughen(rng: Random, epoch: Epoch) -> None:
    """Give places odd prices and sizes, so that no unsplit twin can say the same in whole numbers."""
    # An order that goes lot by lot would no longer be gone in time.
    reduced = {(e["market"], e["order"]) for e in epoch.events if e["kind"] in ("cancel", "fill") and e["size"]}
    for event in epoch.events:
        if event["kind"] == "place" and rng.random() < 0.5:
            event["size"] += 0 if (event["market"], event["order"]) in reduced else rng.randint(0, 3)
            event["price"] += rng.randint(0, 3)


def write_split_epoch(directory: Path, epoch: Epoch, splits: list[SplitRow]) -> None:
    """Writes the bundle's inputs, its splits beside them."""
    write_epoch(directory, epoch)
    with (directory / "splits.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("market", "time_ms", "new", "old"), *splits])


def write_split_bundle(directory: Path, seed: int) -> None:
    """Writes the split epoch of that seed; every other one has no unsplit twin in whole numbers."""
    _, epoch, splits = draw_twins(seed)
    if seed % 2:
        roughen(Random(seed), epoch)
    write_split_epoch(directory, epoch, splits)
