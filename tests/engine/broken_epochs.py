"""Breaks random epochs in one known way each: the data errors, doubled keys and overstepped bounds of the rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.engine.random_epochs import Epoch, address, draw_epoch, number, write_epoch
from tests.engine.random_walk import new_event

Break = Callable[[Random, Epoch], None]


def insert(rng: Random, epoch: Epoch, *wanted: tuple[str, dict[str, Any]]) -> None:
    """Puts events of an order of its own, in a row and at one time, anywhere before the epoch's end."""
    market = rng.choice(list(epoch.terms["markets"]))
    before_end = [event for event in epoch.events if event["time_ms"] < epoch.terms["epoch"]["end_ms"]]
    at = rng.randint(0, len(before_end))
    time_ms = before_end[at - 1]["time_ms"] if at else epoch.terms["epoch"]["start_ms"] - 10**6
    order = {"order": "broken", "address": address(rng), "side": rng.choice(("bid", "ask")), "price": 7}
    order |= {"taker": address(rng)}
    used = {"place": ("order", "address", "side", "price"), "cancel": ("order",), "fill": ("order", "taker")}
    epoch.events[at:at] = [
        new_event(market, time_ms, kind, **{name: order[name] for name in used[kind]}, **columns)
        for kind, columns in wanted
    ]
    number(rng, epoch.events)


def take_kind(rng: Random) -> str:
    """A cancel or a fill."""
    return rng.choice(("cancel", "fill"))


def unknown_order(rng: Random, epoch: Epoch) -> None:
    """Takes lots of an order that never was, or that is gone."""
    gone = [("place", {"size": 5}), (take_kind(rng), {"size": 5})]
    insert(rng, epoch, *(gone if rng.random() < 0.5 else []), (take_kind(rng), {"size": 1}))


def too_many_lots(rng: Random, epoch: Epoch) -> None:
    """Takes one lot more than rests, of a whole order or of what a partial cancel or fill left."""
    part = [(take_kind(rng), {"size": 3})] if rng.random() < 0.5 else []
    insert(rng, epoch, ("place", {"size": 5}), *part, (take_kind(rng), {"size": 3 if part else 6}))


def order_rests_already(rng: Random, epoch: Epoch) -> None:
    """Places an id that rests, wholly or in part."""
    part = [(take_kind(rng), {"size": 3})] if rng.random() < 0.5 else []
    insert(rng, epoch, ("place", {"size": 5}), *part, ("place", {"size": 5}))


def size_below_one(rng: Random, epoch: Epoch) -> None:
    """Sizes of nothing or less, and a fill without one."""
    size = rng.choice((0, -1))
    bad = rng.choice((("fill", {"size": None}), ("fill", {"size": size}), ("cancel", {"size": size})))
    wanted = [("place", {"size": size})] if rng.random() < 0.3 else [("place", {"size": 5}), bad]
    insert(rng, epoch, *wanted)


def neighbours(rng: Random, epoch: Epoch) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two events that follow each other in one market, before the epoch's end."""
    pairs, last = [], {}
    for event in epoch.events:
        if event["market"] in epoch.terms["markets"] and event["time_ms"] < epoch.terms["epoch"]["end_ms"]:
            if event["market"] in last:
                pairs.append((last[event["market"]], event))
            last[event["market"]] = event
    return rng.choice(pairs)


def time_decreases(rng: Random, epoch: Epoch) -> None:
    """One event is a moment earlier than the one before it in its market."""
    before, after = neighbours(rng, epoch)
    after["time_ms"] = before["time_ms"] - rng.choice((1, 1, 1000))


def position_not_rising(rng: Random, epoch: Epoch) -> None:
    """One event has the place in the chain of the one before it in its market, or an earlier one."""
    before, after = neighbours(rng, epoch)
    back = rng.choice(((0, 0), (0, 1), (1, -5)))
    after |= {"block": before["block"] - back[0], "log_index": before["log_index"] - back[1]}


def session_hole(rng: Random, epoch: Epoch) -> None:
    """A millisecond that no session covers."""
    at = rng.randrange(len(epoch.sessions))
    start, end, kind = epoch.sessions[at]
    epoch.sessions[at] = rng.choice(((start + 1, end, kind), (start, end - 1, kind)))


def session_overlap(rng: Random, epoch: Epoch) -> None:
    """Two sessions share a millisecond."""
    start, end, kind = epoch.sessions[-1]
    middle = (start + end) // 2
    epoch.sessions[-1:] = [(start, middle + 1, kind), (middle, end, kind)]


def address_twice(rng: Random, epoch: Epoch) -> None:
    """An address is enrolled twice, for two makers or for one."""
    owner, maker = rng.choice(epoch.makers)
    epoch.makers.append((owner, rng.choice((maker, "another"))))


def carried_twice(rng: Random, epoch: Epoch) -> None:
    """A maker carries two amounts in."""
    epoch.carried_in += [("maker-0", 1)] * (1 if "maker-0" in dict(epoch.carried_in) else 2)


def leaf_twice(rng: Random, epoch: Epoch) -> None:
    """The tree before has two leaves of one account and token."""
    account, token = address(rng), rng.choice((epoch.terms["token"], address(rng)))
    epoch.previous = [(account, token, "5"), *(epoch.previous or []), (account, token, "6")]


def no_payout_rows(rng: Random, epoch: Epoch) -> None:
    """A maker that is to be paid has no account."""
    epoch.terms["min_payout"] = "0"
    epoch.carried_in.append(("nobody", 5))


def shares_do_not_sum(rng: Random, epoch: Epoch) -> None:
    """A maker that is to be paid has shares of a little more or less than the whole."""
    no_payout_rows(rng, epoch)
    epoch.payouts += [("nobody", address(rng), 500_000), ("nobody", address(rng), rng.choice((499_999, 500_001)))]


def calm_book(rng: Random, epoch: Epoch, *, price: int, lots: int) -> str:
    """Leaves one market, live and with a reference throughout: a maker's order on each side. Gives its name."""
    market = next(iter(epoch.terms["markets"]))
    epoch.terms["markets"] = {market: epoch.terms["markets"][market] | {"min_rest_ms": 0}}
    epoch.events = [
        new_event(market, epoch.terms["epoch"]["start_ms"], "place", order=side, address=epoch.makers[0][0],
                  side=side, price=price + away, size=lots)
        for side, away in (("bid", 0), ("ask", 2))
    ]  # fmt: skip
    number(rng, epoch.events)
    return market


def tick_too_small(rng: Random, epoch: Epoch) -> None:
    """The band reaches its bound, exactly or by a little, in the epoch's every session."""
    bps = rng.choice((1, 50, 10000))
    price = 3_000_000 * 10000 // (2 * bps) - 1 + rng.choice((0, 0, 10**5))
    market = calm_book(rng, epoch, price=price, lots=1000)
    epoch.terms["markets"][market]["max_spread_bps"] = dict.fromkeys(epoch.terms["boosts"], bps)


def lot_too_small(rng: Random, epoch: Epoch) -> None:
    """The makers' quality or the target reaches its bound."""
    by_target = rng.random() < 0.5
    market = calm_book(rng, epoch, price=20_000, lots=1000 if by_target else 2**62 // 10**6 * 2)
    rule = epoch.terms["markets"][market]
    rule["max_spread_bps"] = dict.fromkeys(epoch.terms["boosts"], 100)
    rule |= {"curve": {"kind": "linear"}, "two_sided_divisor": 1}
    if by_target:
        rule["target_lots"] = 2**62 // 10**6 + 1


BREAKS: tuple[Break, ...] = (
    unknown_order, too_many_lots, order_rests_already, size_below_one, time_decreases, position_not_rising,
    session_hole, session_overlap, address_twice, carried_twice, leaf_twice, no_payout_rows, shares_do_not_sum,
    tick_too_small, lot_too_small,
)  # fmt: skip


def write_broken_bundle(directory: Path, seed: int) -> str:
    """Writes an epoch that breaks exactly one rule; gives the rule's name, as the reference's errors name it."""
    rng = Random(seed)
    epoch = draw_epoch(rng)
    epoch.payouts = [(name, address(rng), 1_000_000) for name in sorted({name for name, _, _ in epoch.payouts})]
    spoil = BREAKS[seed % len(BREAKS)]
    spoil(rng, epoch)
    write_epoch(directory, epoch)
    return spoil.__name__
