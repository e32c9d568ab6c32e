"""Sums of quotes that follow the chain, a session and a few blocks at a time, are those of the whole epoch at once."""

import zlib
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st

from onchain.models import MarketEvent
from rewards.analysis.errors import PackedCellsError
from rewards.analysis.kernel import parts
from rewards.analysis.packing import CellSums
from rewards.analysis.statistics import By, market_statistics
from rewards.engine.events import MarketEvents
from rewards.models import QuoteCells, QuoteRun
from rewards.selectors.quoting import quoting
from rewards.services.gathering import gather
from rewards.services.quote_cells import quote_cells_advance, quote_cells_due
from tests.rewards.test_stretches import busy_epoch, random_epoch
from tests.rows import settle_all, settle_through

pytestmark = pytest.mark.django_db


def whole_epoch(epoch, market):
    """The statistics of the whole epoch in one replay."""
    inputs = gather(epoch=epoch)
    events = inputs.events.split(makers=inputs.makers).get(market, MarketEvents.none())
    return market_statistics(
        terms=inputs.terms, market=market, sessions=inputs.sessions, makers=inputs.makers, events=events
    )


def same(found: pa.Table, expected: pa.Table) -> None:
    assert found.schema == expected.schema
    for name in expected.column_names:
        mine, theirs = found.column(name).to_numpy(), expected.column(name).to_numpy()
        if mine.dtype == np.float64:
            # Sums of floats in another order.
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, err_msg=name)
        else:
            assert mine.tolist() == theirs.tolist(), name


def markets_summed(epoch) -> list[str]:
    """The markets of which sums are kept."""
    markets = list(QuoteRun.objects.filter(epoch=epoch).order_by("market").values_list("market", flat=True))
    assert markets
    return markets


def same_as_at_once(epoch) -> None:
    for market in markets_summed(epoch):
        expected, found = whole_epoch(epoch, market), quoting(epoch=epoch, market=market)
        assert found.until_ms == epoch.end_ms
        for by in By:
            same(found.cells.maker_table(by=by), expected.maker_table(by=by))
            same(found.cells.market_table(by=by), expected.market_table(by=by))


@pytest.mark.parametrize("seed", range(6))
def test_a_replay_in_pieces_gives_the_tables_of_the_whole_epoch(seed, tmp_path):
    epoch, _ = random_epoch(tmp_path, seed)
    rng = Random(seed)
    for time_ms in sorted(rng.sample(range(epoch.start_ms - 1000, epoch.end_ms + 1000), 7)):
        settle_through(time_ms)
        for epoch_id, market in quote_cells_due():
            quote_cells_advance(epoch_id=epoch_id, market=market)
    settle_all()
    for epoch_id, market in quote_cells_due():
        assert quote_cells_advance(epoch_id=epoch_id, market=market) == epoch.end_ms
    assert quote_cells_due() == []
    same_as_at_once(epoch)
    assert not QuoteCells.objects.filter(is_whole=False).exists()


def test_a_live_market_is_known_up_to_its_settled_time_and_not_beyond():
    epoch = busy_epoch()
    settle_through((epoch.start_ms + epoch.end_ms) // 2)
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    for market in markets_summed(epoch):
        found = quoting(epoch=epoch, market=market)
        assert epoch.start_ms < found.until_ms < epoch.end_ms
        table = found.cells.market_table(by=By.EPOCH).to_pylist()[0]
        assert table["live_ms"] + table["halted_ms"] == found.until_ms - epoch.start_ms


def test_one_makers_figures_need_no_others():
    epoch = busy_epoch()
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    market = markets_summed(epoch)[0]
    everybody = quoting(epoch=epoch, market=market).cells.maker_table(by=By.SESSION)
    for maker in sorted(set(everybody.column("maker").to_pylist())):
        alone = quoting(epoch=epoch, market=market, makers=[maker]).cells.maker_table(by=By.SESSION)
        assert alone.to_pylist() == [row for row in everybody.to_pylist() if row["maker"] == maker]
    assert quoting(epoch=epoch, market=market, makers=["nobody"]).cells.maker_table(by=By.EPOCH).num_rows == 0
    assert quoting(epoch=epoch, market="NO-PERP") is None


def test_a_correction_of_the_past_is_followed_when_what_the_sums_depend_on_has_changed():
    epoch = busy_epoch()
    settle_through((epoch.start_ms + epoch.end_ms) // 2)
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    MarketEvent.objects.filter(kind=MarketEvent.Kind.PLACE).update(size=F("size") * 3)
    MarketEvent.objects.filter(kind__in=(MarketEvent.Kind.CANCEL, MarketEvent.Kind.FILL), size__isnull=False).update(
        size=F("size") * 3
    )
    # As a correction of the market's adapter or of the makers leaves it.
    QuoteRun.objects.update(key="of something else")
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    same_as_at_once(epoch)


@pytest.mark.parametrize("spoilt", [b"", b"\x00" * 8, b"\x07" + b"\x00" * 7 + b"rubbish"])
def test_sums_that_can_not_be_read_are_made_again(spoilt):
    epoch = busy_epoch()
    settle_through((epoch.start_ms + epoch.end_ms) // 2)
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    QuoteRun.objects.update(base=spoilt)
    settle_all()
    for epoch_id, market in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=market)
    same_as_at_once(epoch)
    with pytest.raises(PackedCellsError):
        CellSums.unpack(spoilt)


def test_who_is_killed_between_sessions_leaves_what_was_done():
    epoch = busy_epoch()
    settle_all()
    market = quote_cells_due()[0][1]
    turns = iter((True, True, False))
    reached = quote_cells_advance(epoch_id=epoch.pk, market=market, keep_going=lambda: next(turns))
    assert epoch.start_ms < reached < epoch.end_ms
    assert QuoteRun.objects.get(market=market).until_ms == reached
    for epoch_id, name in quote_cells_due():
        quote_cells_advance(epoch_id=epoch_id, market=name)
    same_as_at_once(epoch)


SUMS = st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 2**32))


def sums_of(first: int, cells: int, seed: int) -> CellSums:
    rng = np.random.default_rng(zlib.crc32(str(seed).encode()))
    return CellSums(
        first,
        rng.integers(0, 100, (cells, 3, parts.WHOLE)),
        rng.integers(0, 100, (cells, 3, parts.FLOATS)).astype(float),
        rng.integers(0, 100, (cells, parts.MARKET_WHOLE)),
        rng.integers(0, 100, (cells, parts.MARKET_FLOATS)).astype(float),
    )


@settings(max_examples=60, deadline=None)
@given(SUMS, SUMS)
def test_packing_keeps_sums_and_adding_keeps_totals(one, other):
    first, second = sums_of(*one), sums_of(*other)
    again = CellSums.unpack(first.pack())
    assert (again.first, again.whole.tolist()) == (first.first, first.whole.tolist())
    both = first.plus(second)
    assert both.whole.sum() == first.whole.sum() + second.whole.sum()
    assert both.floats.sum() == first.floats.sum() + second.floats.sum()
    middle = (both.first + both.end) // 2
    left, right = both.cut(first=both.first, end=middle), both.cut(first=middle, end=both.end)
    assert left.whole.sum() + right.whole.sum() == both.whole.sum()
