"""Order flow of honest makers who know nothing of each other, for flags that must stay silent."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from rewards.engine.events import ASK, BID, CANCEL, FILL, NO_SIZE, PLACE, EventColumns, MarketEvents, Words, maker_names
from tests.bench.workloads import START_MS, maker_addresses

MAKERS = 12


def names_of(makers: Mapping[str, str]) -> tuple[str, ...]:
    """The makers in the order of every table by maker."""
    return maker_names(makers)


def honest_market(*, seed: int, events: int, makers: int = MAKERS) -> tuple[MarketEvents, tuple[str, ...]]:
    """Makers requote around one public price after a time of their own; takers take a random order at the touch.

    Times come in blocks of 400 ms, so that many act in one block by mere chance.
    """
    rng = np.random.default_rng(seed)
    addresses = maker_addresses(makers)
    habits = rng.uniform(4, 40, makers), rng.uniform(2_000, 20_000, makers)
    resting: dict[int, list[tuple[int, int, int]]] = {maker: [] for maker in range(makers)}
    due = rng.uniform(0, 10_000, makers)
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    fair, clock, order = 10_000.0, 0.0, 0
    while len(rows) < events:
        maker = int(np.argmin(due))
        clock = float(due[maker])
        fair += rng.normal(0, 0.6)
        due[maker] = clock + rng.exponential(habits[1][maker])
        at_ms = int(clock // 400 * 400)
        for number, _, _ in resting[maker]:
            rows.append((at_ms, CANCEL, number, -1, -1, 0, -1))
        resting[maker] = []
        for side in (BID, ASK):
            away = habits[0][maker] * rng.uniform(0.8, 1.2)
            price = round(fair - away) if side == BID else round(fair + away)
            rows.append((at_ms, PLACE, order, maker, side, price, -1))
            resting[maker].append((order, side, price))
            order += 1
        if rng.random() < 0.4:
            # The taker is a maker or, half the time, one of many strangers; whoever has quotes is met.
            taker = int(rng.integers(0, 2 * makers))
            whom = [each for each in range(makers) if each != taker and resting[each]]
            other = int(rng.choice(whom))
            number, _, _ = resting[other].pop(int(rng.integers(0, len(resting[other]))))
            rows.append((at_ms, FILL, number, -1, -1, 0, min(taker, makers)))
    return _columns(rows, order, addresses).split(makers=addresses)["M"], names_of(addresses)


def _columns(rows: list[tuple[int, ...]], orders: int, addresses: Mapping[str, str]) -> EventColumns:
    time_ms, kind, order, owner, side, price, taker = (np.array(column) for column in zip(*rows, strict=True))
    names = pa.array([*addresses, "0x" + "5" * 40])
    return EventColumns(
        market=Words(np.zeros(len(kind), np.int32), pa.array(["M"])),
        block=time_ms // 400 + 1,
        log_index=np.arange(len(kind)),
        time_ms=START_MS + time_ms,
        kind=kind.astype(np.int8),
        order=Words(order.astype(np.int32), pa.array([str(number) for number in range(orders)])),
        address=Words(owner.astype(np.int32), names),
        side=side.astype(np.int8),
        price=price,
        size=np.where(kind == CANCEL, NO_SIZE, 10),
        taker=Words(taker.astype(np.int32), names),
    )
