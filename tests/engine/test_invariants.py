"""What must hold in every epoch, whatever was quoted: money adds up, and the layout of orders is no trick."""

from __future__ import annotations

import copy
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.engine.random_epochs import Epoch, address, number
from tests.engine.random_walk import new_event
from tests.engine.reference_inputs import Bundle
from tests.engine.reference_market import Replay
from tests.engine.scored_epochs import draw_payable, score_epoch

BPS = 10_000
seeds = st.integers(0, 2**32 - 1)
lenient = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@lenient
@given(seed=seeds)
def test_payouts_and_what_is_unspent_make_up_the_budget_and_nothing_is_lost_on_the_way(seed: int) -> None:
    _, epoch = draw_payable(seed)
    result = score_epoch(epoch)
    budget, left = int(epoch.terms["budget"]), int(epoch.terms["budget"])
    for market, rule in epoch.terms["markets"].items():
        pool = budget * rule["weight_bps"] // BPS
        payouts = [row.payout for row in result.allocations if row.market == market]
        assert all(payout >= 0 for payout in payouts)
        assert sum(payouts) <= pool
        if epoch.terms["unspent"] == "redistribute" and any(payouts):
            assert sum(payouts) == pool
        left -= sum(payouts)
    assert result.unspent == left >= 0
    earned = sum(row.payout for row in result.allocations)
    carried_in = sum(amount for _, amount in epoch.carried_in)
    assert sum(result.increments.values()) + sum(result.carried_out.values()) == earned + carried_in
    before = sum(int(amount) for _, _, amount in epoch.previous or [])
    assert sum(amount for _, _, amount in result.cumulative) == before + sum(result.increments.values())


@lenient
@given(seed=seeds, addresses=st.integers(1, 4))
def test_spreading_orders_over_the_addresses_of_a_cluster_changes_nothing(seed: int, addresses: int) -> None:
    rng, epoch = draw_payable(seed)
    spread = copy.deepcopy(epoch)
    maker_of = dict(epoch.makers)
    clusters = {maker: [address(rng) for _ in range(addresses)] for maker in maker_of.values()}
    spread.makers += [(owner, maker) for maker, owners in clusters.items() for owner in owners]
    for owner, maker in epoch.makers:
        clusters[maker].append(owner)
    for event in spread.events:
        for column in ("address", "taker"):
            if event[column] in maker_of:
                event[column] = rng.choice(clusters[maker_of[event[column]]])
    plain, other = score_epoch(epoch), score_epoch(spread)
    assert (other.scores, other.allocations) == (plain.scores, plain.allocations)
    assert (other.paid, other.carried_out, other.root) == (plain.paid, plain.carried_out, plain.root)


def references(epoch: Epoch, market: str) -> list[tuple[int, int | None]]:
    """The reference of a market over time, by the second implementation: where it changes, and to what."""
    bundle = Bundle(epoch.terms, epoch.sessions, dict(epoch.makers), {}, {}, {}, list(epoch.events), splits=[])
    replay = Replay(bundle, market)
    replay.run()
    changes: list[tuple[int, int | None]] = []
    for start, reference, _ in replay.history:
        if not changes or changes[-1][1] != reference:
            changes.append((start, reference))
    return changes


def place_one_more(rng: Random, epoch: Epoch, market: str, before: list[tuple[int, int | None]]) -> tuple[Epoch, str]:
    """The epoch with one more order of a maker, of at least the least size, inside the book; and the maker."""
    known = [reference for _, reference in before if reference]
    assume(known)
    owner, maker = rng.choice(epoch.makers)
    side, rule = rng.choice(("bid", "ask")), epoch.terms["markets"][market]
    away = rng.randint(0, max(1, rng.choice(known) * max(rule["max_spread_bps"].values()) // BPS))
    price = (rng.choice(known) - away) // 2 if side == "bid" else (rng.choice(known) + away + 1) // 2
    more = copy.deepcopy(epoch)
    inside = [at for at, event in enumerate(more.events) if event["time_ms"] < epoch.terms["epoch"]["end_ms"]]
    at = rng.choice([*inside[: len(inside) // 2 + 1], 0])
    time_ms = more.events[at]["time_ms"] if more.events else epoch.terms["epoch"]["start_ms"]
    lots = rule["min_order_lots"] + rng.choice((0, 1, 100, 5_000))
    order = new_event(
        market, time_ms, "place", order="one-more", address=owner, side=side, price=max(1, price), size=lots
    )
    more.events.insert(at, order)
    number(rng, more.events)
    return more, maker


def test_a_maker_that_quotes_more_never_earns_less_unless_it_moves_the_reference() -> None:
    more_earned: list[bool] = []

    @settings(lenient, max_examples=250)
    @given(seed=seeds)
    def never_less(seed: int) -> None:
        rng, epoch = draw_payable(seed)
        market = rng.choice(sorted(epoch.terms["markets"]))
        before = references(epoch, market)
        more, maker = place_one_more(rng, epoch, market, before)
        assume(references(more, market) == before)
        less_paid, more_paid = (
            sum(row.payout for row in score_epoch(each).allocations if row.maker == maker) for each in (epoch, more)
        )
        # What is left over may be shared out; the unit that the largest remainder gives can then go to another.
        spare = 1 if epoch.terms["unspent"] == "redistribute" else 0
        assert more_paid >= less_paid - spare
        more_earned.append(more_paid > less_paid)

    never_less()
    assert sum(more_earned) >= 10  # the added orders do count, often enough


@lenient
@given(seed=seeds, factor=st.integers(2, 10**6), divisor=st.sampled_from((0, 1)))
def test_every_lot_times_the_same_factor_changes_no_payout(seed: int, factor: int, divisor: int) -> None:
    _, epoch = draw_payable(seed)
    for rule in epoch.terms["markets"].values():
        rule["two_sided_divisor"] = divisor
    scaled = copy.deepcopy(epoch)
    for rule in scaled.terms["markets"].values():
        for name in ("min_order_lots", "presence_lots", "target_lots", "reference_depth_lots"):
            rule[name] *= factor
    for event in scaled.events:
        if event["size"] is not None:
            event["size"] *= factor
    plain, other = score_epoch(epoch), score_epoch(scaled)
    assert (other.scores, other.allocations) == (plain.scores, plain.allocations)
    assert (other.paid, other.root) == (plain.paid, plain.root)
