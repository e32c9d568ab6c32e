"""Draws small random epochs that walk into every corner of the scoring rule.

The same seed writes the same bundle on every machine.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pyarrow.parquet

from tests.engine.random_walk import EVENT, Walk, new_event

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
NUMBERS = ("block", "log_index", "time_ms", "price", "size")
SCHEMA = pyarrow.schema([(n, pyarrow.int64() if n in NUMBERS else pyarrow.string()) for n in EVENT])
MAKER_NAMES = ("maker-2", "maker-10", "Zeta", "alpha", "maker-0", "beta_9", "m")


@dataclass
class Epoch:
    """The inputs of one epoch, as rows that are still easy to break; drawn events have no positions yet."""

    terms: dict[str, Any]
    sessions: list[tuple[int, int, str]]
    makers: list[tuple[str, str]]
    payouts: list[tuple[str, str, int]]
    carried_in: list[tuple[str, int]]
    previous: list[tuple[str, str, str]] | None
    events: list[dict[str, Any]] = field(default_factory=list)

    def walk(self, rng: Random, market: str, count: int, **extremes: int) -> list[dict[str, Any]]:
        """About `count` acts' events of a market, by the makers' addresses and two strangers."""
        edges = [self.terms["epoch"]["start_ms"], *(end for _, end, _ in self.sessions)]
        return Walk(
            rng,
            market=market,
            rule=self.terms["markets"][market],
            maker_of=dict(self.makers),
            strangers=[address(rng), address(rng)],
            edges_ms=edges,
            count=count,
            **extremes,
        ).run()


def address(rng: Random) -> str:
    """A random address."""
    return f"0x{rng.getrandbits(160):040x}"


def by_kind(rng: Random, values: tuple[int, ...]) -> dict[str, int]:
    """One of the values for every kind of session."""
    return {kind: rng.choice(values) for kind in KINDS}


# Terms, sessions, people


def draw_rule(rng: Random, weight_bps: int) -> dict[str, Any]:
    """The terms of one market."""
    quoting = rng.choice((10000, 0, 7000, 5000, 3333, 6000, 2000))
    fills = rng.choice((0, 10000 - quoting, (10000 - quoting) // 2, (10000 - quoting) // 3))
    rule: dict[str, Any] = {
        "weight_bps": weight_bps,
        "quoting_share_bps": quoting,
        "fills_share_bps": fills,
        "stress_share_bps": 10000 - quoting - fills,
        "min_order_lots": rng.choice((1, 5, 10)),
        "min_rest_ms": rng.choice((0, 1, 250, 250, 1000, 1000, 5000, 10**7 if rng.random() < 0.2 else 100)),
        "reference_depth_lots": rng.choice((1, 20, 30, 80)),
        "max_spread_bps": by_kind(rng, (20, 50, 100, 300, 300, 1000)),
        "clamp_bps": by_kind(rng, rng.choice(((5, 20, 50), (300, 1000), (0, 10, 10000), (0,)))),
        "min_uptime_bps": by_kind(rng, rng.choice(((0,), (0, 1000, 3000), (2000, 6000, 10000)))),
        "curve": draw_curve(rng),
        "two_sided_divisor": rng.choice((0, 1, 2, 3, 3, 7)),
        "target_lots": rng.choice((0, 50, 200, 800, 10**5)),
        "presence_lots": rng.choice((1, 20, 60)),
        "max_share_bps": rng.choice((10000, 10000, 4000, 1500, 1500, 300, 0 if rng.random() < 0.3 else 700)),
    }
    if rule["stress_share_bps"] or rng.random() < 0.7:
        rule["stress"] = {
            "window_ms": rng.choice((1, 500, 1000, 5000, 20_000, 60_000)),
            "move_bps": rng.choice((1, 5, 20, 60)),
            "hold_ms": rng.choice((1, 500, 3000, 10_000, 40_000)),
            "widen_pct": rng.choice((100, 133, 150, 300)),
            "full_ms": rng.choice((0, 0, 1000, 20_000, 150_000)),
        }
    return rule


def draw_curve(rng: Random) -> dict[str, Any]:
    """One of the three curves; the weights of steps need not fall."""
    kind = rng.choice(("quadratic", "linear", "steps"))
    if kind != "steps":
        return {"kind": kind}
    fractions = sorted(rng.sample((0, 1, 100_000, 250_000, 500_000, 777_777, 900_000), rng.randint(1, 3)))
    fractions += [1_000_000] if rng.random() < 0.6 else []
    weights = (1_000_000, 400_000, 62_500, 1, 0)
    return {"kind": "steps", "steps": [[fraction, rng.choice(weights)] for fraction in fractions]}


def draw_terms(rng: Random) -> dict[str, Any]:
    """The terms of an epoch of a few seconds or minutes with one to three markets."""
    names = rng.sample(("AAPL-PERP", "NVDA-PERP", "TSLA-PERP", "brk.b-perp"), rng.randint(1, 3))
    cuts = sorted(rng.randint(100, 10000) for _ in names)
    start_ms = rng.choice((1_790_000_000_000, 1_790_144_272_509)) + rng.randint(0, 10**6)
    length_ms = rng.choice((3_000, 20_000, 60_000, 300_000))
    budget = rng.choice((0, 97, 1009, 2**200, *[250_000_000_000] * 3, *[25 * 10**22] * 3))
    min_payout = rng.choice((0, 0, 0, 1, budget // 50, budget // 10, 10**30 if rng.random() < 0.3 else 2))
    return {
        "version": 1,
        "program": f"random-{rng.randint(0, 9999)}",
        "token": address(rng),
        "epoch": {"number": rng.randint(1, 99), "start_ms": start_ms, "end_ms": start_ms + length_ms},
        "budget": str(budget),
        "min_payout": str(min_payout),
        "unspent": rng.choice(("return", "redistribute")),
        "boosts": by_kind(rng, rng.choice(((100, 150, 200, 250, 300), (0, 100, 10000)))),
        "markets": {
            name: draw_rule(rng, after - before)
            for name, (before, after) in zip(names, pairwise([0, *cuts]), strict=True)
        },
    }


def draw_sessions(rng: Random, start_ms: int, end_ms: int) -> list[tuple[int, int, str]]:
    """Sessions from the epoch's start to its end; neighbours may be of one kind, even of a millisecond."""
    cuts = {rng.randint(start_ms + 1, end_ms - 1) for _ in range(rng.randint(0, 6))}
    if cuts and rng.random() < 0.3:
        cuts.add(min(max(cuts) + 1, end_ms - 1))
    return [(start, end, rng.choice(KINDS)) for start, end in pairwise([start_ms, *sorted(cuts), end_ms])]


def draw_payouts(rng: Random) -> list[tuple[str, str, int]]:
    """Payout rows of the makers, some accounts shared by makers; rarely one lacks its rows or a millionth."""
    accounts = [address(rng) for _ in range(rng.randint(2, 6))]
    rows = []
    for name in rng.sample(MAKER_NAMES, len(MAKER_NAMES)):
        count = rng.randint(1, min(3, len(accounts)))
        cuts = sorted(rng.sample(range(1, 1_000_000), count - 1))
        shares = [after - before for before, after in pairwise([0, *cuts, 1_000_000])]
        shares[0] -= rng.random() < 0.01
        if rng.random() > 0.01:
            rows += [(name, *row) for row in zip(rng.sample(accounts, count), shares, strict=True)]
    return rows


def draw_previous(rng: Random, token: str, accounts: list[str]) -> list[tuple[str, str, str]]:
    """The tree before: some of the accounts, one that gets nothing now, and one with another token too."""
    rows = [(account, token, str(rng.randint(1, 10**24))) for account in accounts if rng.random() < 0.6]
    return [*rows, (address(rng), token, "5"), (accounts[0] if accounts else address(rng), address(rng), "7")]


def draw_people(rng: Random, terms: dict[str, Any]) -> Epoch:
    """An epoch of these terms, with everything but events."""
    names = rng.sample(MAKER_NAMES, rng.randint(1, len(MAKER_NAMES) - 1))
    makers = [(address(rng), name) for name in names for _ in range(rng.randint(1, 2))]
    payouts = draw_payouts(rng)
    carries = (1, int(terms["budget"]) // 100 + 1, 10**22)
    previous = draw_previous(rng, terms["token"], sorted({account for _, account, _ in payouts}))
    return Epoch(
        terms=terms,
        sessions=draw_sessions(rng, terms["epoch"]["start_ms"], terms["epoch"]["end_ms"]),
        makers=rng.sample(makers, len(makers)),
        payouts=payouts,
        carried_in=[(name, rng.choice(carries)) for name in MAKER_NAMES if rng.random() < 0.2],
        previous=rng.choice((None, None, [], previous, previous)),
    )


# Events


def junk(rng: Random, epoch: dict[str, int], market: str) -> dict[str, Any]:
    """An event that is ignored, else an error: of no named market, or at the epoch's end or later."""
    after = rng.choice((0, 1, 1000))
    time_ms = epoch["end_ms"] + (rng.randint(-3000, 0) if market == "GONE-PERP" else after)
    return new_event(market, time_ms, "cancel", order="never-placed", size=rng.choice((None, 0, 3)))


def merge(rng: Random, epoch: Epoch, walks: list[list[dict[str, Any]]]) -> None:
    """Puts the markets' events into one order of time, adds some to be ignored, and numbers them all."""
    markets = ("GONE-PERP", *epoch.terms["markets"])
    garbage = [junk(rng, epoch.terms["epoch"], market) for market in markets if rng.random() < 0.3]
    events = [event for walk in rng.sample(walks, len(walks)) for event in walk]
    epoch.events = sorted([*events, *garbage], key=lambda event: event["time_ms"])
    number(rng, epoch.events)


def number(rng: Random, events: list[dict[str, Any]]) -> None:
    """Gives the events rising positions; a new time is mostly, not always, a new block."""
    block, log_index, last_ms = rng.randint(1, 10**6), -1, None
    for event in events:
        if event["time_ms"] != last_ms and rng.random() < 0.9:
            block, log_index = block + rng.randint(1, 3), -1
        log_index += rng.randint(1, 2)
        last_ms = event["time_ms"]
        event["block"], event["log_index"] = block, log_index


def draw_epoch(rng: Random, *, size: int = 1) -> Epoch:
    """A whole epoch; `size` multiplies the number of events."""
    epoch = draw_people(rng, draw_terms(rng))
    merge(rng, epoch, [epoch.walk(rng, name, size * rng.randint(10, 70)) for name in epoch.terms["markets"]])
    return epoch


# Writing


def write_rows(path: Path, header: str, rows: list[tuple[Any, ...]]) -> None:
    """A CSV file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])


def write_epoch(directory: Path, epoch: Epoch) -> None:
    """Writes an epoch whose events are numbered as a bundle's inputs."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(epoch.terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (directory / "terms.json").write_text(text, encoding="utf-8")
    write_rows(directory / "sessions.csv", "start_ms,end_ms,kind", epoch.sessions)
    write_rows(directory / "makers.csv", "address,maker", epoch.makers)
    write_rows(directory / "payouts.csv", "maker,account,share_ppm", epoch.payouts)
    write_rows(directory / "carried_in.csv", "maker,amount", epoch.carried_in)
    if epoch.previous is not None:
        (directory / "previous_cumulative.json").write_text(json.dumps(epoch.previous), encoding="utf-8")
    table = pyarrow.Table.from_pylist(epoch.events, schema=SCHEMA)
    pyarrow.parquet.write_table(table, directory / "events.parquet", compression="zstd")


def write_random_bundle(directory: Path, seed: int, *, size: int = 1) -> None:
    """Writes the inputs of the random epoch of that seed; `size` multiplies the number of events."""
    write_epoch(directory, draw_epoch(Random(seed), size=size))
