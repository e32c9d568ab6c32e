"""A look at a moment shows what the second implementation saw there."""

from random import Random

import pytest

from rewards.analysis.errors import MomentError
from rewards.errors import NotFoundError
from rewards.services.looking import moment_of
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from tests.analysis.reference_statistics import WatchedReference
from tests.engine.reference_inputs import read_bundle
from tests.rewards.test_stretches import random_epoch
from tests.rows import settle_all, settle_through

pytestmark = pytest.mark.django_db


class LookingReference(WatchedReference):
    """The reference's replay, which writes down what it saw at some moments, for every maker."""

    def __init__(self, bundle, market, moments):
        super().__init__(bundle, market)
        self.moments, self.seen = moments, {}

    def count(self, now, dt, reference):
        super().count(now, dt, reference)
        for moment in self.moments:
            if now <= moment < now + dt:
                self.seen[moment] = self.sight(now, moment, reference)

    def sight(self, now, moment, reference):
        lit = reference is not None and not self.halted
        band = self.band(now, reference) if lit else 0
        qualities = self.quality(now, reference, band) if lit else {}
        levels = {}
        for order in self.orders.values():
            levels[order.side, order.price] = levels.get((order.side, order.price), 0) + order.lots
        full = max(sum(qualities.values()), self.terms["target_lots"] * 1_000_000)
        present = self.present(now, reference, band) if lit else []
        return {
            "kind": self.kind_at(now),
            "live": not self.halted,
            "reference": reference or 0,
            "band": band,
            "stressed": self.in_stress(now),
            "bids": sorted(((p, lots) for (side, p), lots in levels.items() if side == "bid"), reverse=True),
            "asks": sorted((p, lots) for (side, p), lots in levels.items() if side == "ask"),
            "makers": {
                maker: {
                    "quality": qualities.get(maker, 0),
                    "share": qualities.get(maker, 0) * 2**30 // full if qualities.get(maker, 0) else 0,
                    "present": maker in present,
                    "own": {
                        each: (
                            order.price,
                            order.lots,
                            moment - order.placed_ms,
                            self.word(order, now, reference, band),
                        )
                        for each, order in self.orders.items()
                        if self.makers.get(order.owner) == maker
                    },
                }
                for maker in self.names
            },
        }

    def word(self, order, now, reference, band):
        if self.halted:
            return "halted"
        return "dark" if reference is None else self.fate(order, now, reference, band)


@pytest.mark.parametrize("seed", range(5))
def test_every_moment_is_as_the_second_implementation_saw_it(seed, tmp_path):
    epoch, _ = random_epoch(tmp_path, seed)
    bundle, rng = read_bundle(tmp_path / "bundle"), Random(seed)
    # The way of a service that was looking while the chain went on.
    settle_through((epoch.start_ms + epoch.end_ms) // 2)
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    for market in bundle.terms["markets"]:
        times = [event["time_ms"] for event in bundle.events if event["market"] == market]
        moments = {epoch.start_ms, epoch.end_ms - 1, *rng.choices(range(epoch.start_ms, epoch.end_ms), k=4)}
        moments |= {time_ms for time_ms in rng.choices(times, k=4) if epoch.start_ms <= time_ms < epoch.end_ms}
        reference = LookingReference(bundle, market, sorted(moments))
        reference.run()
        for time_ms, expected in reference.seen.items():
            for maker, theirs in rng.sample(sorted(expected["makers"].items()), k=min(2, len(expected["makers"]))):
                found = moment_of(epoch=epoch, market=market, maker=maker, time_ms=time_ms)
                for name in ("kind", "live", "reference", "stressed"):
                    assert getattr(found, name) == expected[name], name
                assert found.band == expected["band"]
                assert [(level.price, level.lots) for level in found.bids] == expected["bids"]
                assert [(level.price, level.lots) for level in found.asks] == expected["asks"]
                own = {each.id: (each.price, each.lots, each.rested_ms, each.fate) for each in found.own}
                assert own == theirs["own"]
                assert (found.quality, found.share, found.present) == (
                    theirs["quality"], theirs["share"], theirs["present"],
                )  # fmt: skip


def test_a_moment_that_is_not_known_yet_or_never_was_is_not_found(tmp_path):
    epoch, _ = random_epoch(tmp_path, 0)
    settle_through((epoch.start_ms + epoch.end_ms) // 2)
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    for time_ms in (epoch.start_ms - 1, epoch.end_ms - 1, epoch.end_ms):
        with pytest.raises((NotFoundError, MomentError)):
            moment_of(epoch=epoch, market=market, maker="anybody", time_ms=time_ms)


def test_somebody_who_is_not_enrolled_sees_the_book_and_no_orders_of_their_own(tmp_path):
    epoch, _ = random_epoch(tmp_path, 1)
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    found = moment_of(epoch=epoch, market=market, maker="not-enrolled", time_ms=(epoch.start_ms + epoch.end_ms) // 2)
    assert found.bids
    assert found.own == ()
    assert all(level.own_lots == 0 for level in (*found.bids, *found.asks))
