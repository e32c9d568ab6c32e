"""The statistics are those that a second, slow implementation finds, and their sums are the engine's own."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from rewards.analysis.columns import MAKER_COLUMNS, MARKET_COLUMNS
from rewards.analysis.errors import EpochTooLongError, TooLargeError
from rewards.analysis.statistics import By, MarketStatistics, each_market, market_statistics
from rewards.analysis.watching import WatchedScorer
from rewards.engine import compiled, evidence
from rewards.engine.errors import EngineError
from rewards.engine.live import MarketScorer
from tests.analysis.reference_statistics import DEPTHS_BPS, WatchedReference
from tests.analysis.stories import MAKER, STRANGER, book, place, story
from tests.bench.workloads import START_MS, duration_ms, maker_addresses, market_columns, sessions_for, terms_for
from tests.engine.extreme_epochs import write_extreme_bundle
from tests.engine.random_epochs import write_random_bundle
from tests.engine.reference_inputs import read_bundle

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
WHY = ("counting", "halted", "dark", "no_quotes", "too_small", "too_young", "too_far", "one_sided")
ORDER_FATES = ("counting", "halted", "dark", "too_small", "too_young", "too_far")
# The tables' means: the reference's sum, and the time that it is taken over.
MAKER_MEANS = {
    "share": ("credit", "live_ms", 2**30),
    "presence": ("present_ms", "live_ms", 1),
    "quality_lots": ("quality", "lit_ms", 10**6),
    "spread_bps": ("spread_bps", "two_sided_ms", 1),
    "bid_distance_bps": ("bid_distance_bps", "bid_ms", 1),
    "ask_distance_bps": ("ask_distance_bps", "ask_ms", 1),
} | {f"{s}_depth_{bps}_bps_lots": (f"{s}_depth_{bps}_bps", "lit_ms", 1) for s in ("bid", "ask") for bps in DEPTHS_BPS}
MARKET_MEANS = {
    "reference_half_ticks": ("reference", "lit_ms", 1),
    "band_bps": ("band_bps", "lit_ms", 1),
    "book_spread_bps": ("book_spread_bps", "lit_ms", 1),
    "quality_lots": ("quality", "lit_ms", 10**6),
    "share": ("credit", "live_ms", 2**30),
}
KEYS = {"market", "maker", "kind", "start_ms", "end_ms"}


def agree(statistics: MarketStatistics, reference: WatchedReference) -> int:
    """Assert that every table is what the reference gives; return how many rows there were."""
    count = len(reference.starts)
    rows_of = {
        By.FIVE_MINUTES: [[cell] for cell in range(count)],
        By.SESSION: sessions_of(reference),
        By.EPOCH: [list(range(count))],
    }
    rows = 0
    for by, groups in rows_of.items():
        by_time = {cells[0]: total([reference.market_sums[cell] for cell in cells]) for cells in groups}
        ends = {cells[0]: reference.ends[cells[-1]] for cells in groups}
        for first, sums in by_time.items():
            sums["live_ms"] = sums["dark_ms"] + sums["lit_ms"]
            last = ends[first]
            sums["credit"] = sum(
                row["credit"]
                for (cell, _), row in reference.sums.items()
                if reference.starts[first] <= reference.starts[cell] < last
            )
        for row in statistics.market_table(by=by).to_pylist():
            first = reference.starts.index(row["start_ms"])
            same_row(row, by_time[first], MARKET_MEANS)
            assert row["end_ms"] == ends[first]
            rows += 1
        for row in statistics.maker_table(by=by).to_pylist():
            first = reference.starts.index(row["start_ms"])
            cells = next(cells for cells in groups if cells[0] == first)
            sums = total([reference.sums[cell, row["maker"]] for cell in cells])
            sums["live_ms"], sums["lit_ms"] = by_time[first]["live_ms"], by_time[first]["lit_ms"]
            sums["volume_lot_ticks"] = sums["volume"]
            same_row(row, sums, MAKER_MEANS)
            assert row["kind"] == (None if by is By.EPOCH else reference.kind_at(row["start_ms"]))
            rows += 1
    return rows


def sessions_of(reference: WatchedReference) -> list[list[int]]:
    """The cells of each session."""
    groups = defaultdict(list)
    for cell, start in enumerate(reference.starts):
        groups[next(number for number, each in enumerate(reference.sessions) if each[0] <= start < each[1])].append(
            cell
        )
    return list(groups.values())


def total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    sums: dict[str, Any] = defaultdict(int)
    for row in rows:
        for name, value in row.items():
            sums[name] += value
    return sums


def same_row(row: dict[str, Any], sums: dict[str, Any], means: dict[str, tuple[str, str, int]]) -> None:
    for name in row.keys() - KEYS - means.keys():
        assert row[name] == sums[name], (name, row)
    for name, (of, over, divisor) in means.items():
        if not sums[over]:
            assert row[name] is None, (name, row)
        else:
            mean = (
                float(sums[of] / sums[over] / divisor)
                if isinstance(sums[of], int)
                else float(sums[of] / (sums[over] * divisor))
            )
            assert math.isclose(row[name], mean, rel_tol=1e-9, abs_tol=1e-9), (name, row)


def compare_bundle(directory: Path) -> int:
    """Compare every market of a bundle that can be scored; return how many rows agreed."""
    inputs, rows = evidence.read_inputs(directory), 0
    tables = inputs.events.split(makers=inputs.makers)
    for market in inputs.terms.markets:
        if market not in tables:
            continue
        try:
            found = market_statistics(
                terms=inputs.terms,
                market=market,
                sessions=inputs.sessions,
                makers=inputs.makers,
                events=tables[market],
            )
        except EngineError:
            continue
        reference = WatchedReference(read_bundle(directory), market)
        reference.run()
        rows += agree(found, reference)
    return rows


def test_every_column_of_every_row_agrees_with_the_second_implementation_on_random_epochs(tmp_path: Path) -> None:
    rows = 0
    for seed in range(60):
        write = write_extreme_bundle if seed % 4 == 3 else write_random_bundle
        write(tmp_path / str(seed), 9000 + seed)
        rows += compare_bundle(tmp_path / str(seed))
    assert rows > 2000


def test_stretches_beyond_the_kernels_64_bits_are_watched_by_the_exact_replay_with_the_same_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled.arrays, "rule_numbers", lambda *_: None)
    rows = 0
    for seed in range(12):
        write_random_bundle(tmp_path / str(seed), 9100 + seed)
        rows += compare_bundle(tmp_path / str(seed))
    assert rows > 300


def busy_market(events: int, **book_of: Any) -> tuple[Any, Any, Any, Any]:
    makers = book_of.setdefault("makers", 30)
    columns = market_columns(market="M", events=events, **book_of)
    stress = {"window_ms": 2_000, "move_bps": 5, "hold_ms": 3_000, "widen_pct": 150, "full_ms": 0}
    terms = terms_for(markets=["M"], duration_ms=duration_ms(columns), stress=stress)
    addresses = maker_addresses(makers)
    return terms, sessions_for(terms, length_ms=400_001), addresses, columns.split(makers=addresses)["M"]


@pytest.mark.parametrize("book_of", [{}, {"moving": 0.6}, {"makers": 2, "orders_each": 400}])
def test_the_sums_of_a_busy_market_are_what_the_engine_scores_without_being_watched(book_of: dict[str, Any]) -> None:
    terms, sessions, makers, events = busy_market(30_000, **book_of)
    plain = MarketScorer(terms=terms, market="M", sessions=sessions, makers=makers)
    plain.feed_market(events)
    score = plain.finish()
    found = market_statistics(terms=terms, market="M", sessions=sessions, makers=makers, events=events)
    assert found.score == score
    for by in By:
        for column, expected in (("credit", score.credit), ("present_ms", score.present_ms)):
            for maker, name in enumerate(score.makers):
                rows = [row for row in found.maker_table(by=by).to_pylist() if row["maker"] == name]
                assert sum(row[column] for row in rows) == sum(expected[maker])
        market = found.market_table(by=by).to_pydict()
        assert sum(market["live_ms"]) == sum(score.live_ms)
        assert sum(market["stress_ms"]) == score.stress_ms
    assert sum(found.maker_table(by=By.EPOCH)["stress_credit"].to_pylist()) == sum(score.stress_credit) > 0


def test_a_market_that_is_fed_in_pieces_has_the_statistics_of_the_whole() -> None:
    terms, sessions, makers, events = busy_market(6_000, makers=7, orders_each=20)
    whole = market_statistics(terms=terms, market="M", sessions=sessions, makers=makers, events=events)
    rng = Random(5)
    scorer = WatchedScorer(terms=terms, market="M", sessions=sessions, makers=makers)
    row = 0
    while row < len(events):
        stop = min(len(events), row + rng.randint(1, 900))
        scorer.feed_market(events.slice(row, stop))
        if stop < len(events):
            scorer.advance_to(time_ms=rng.randint(int(events.time_ms[stop - 1]), int(events.time_ms[stop])))
        row = stop
    assert scorer.finish() == whole.score
    assert (scorer.watch.cells.whole == whole.whole).all()
    assert np.allclose(scorer.watch.cells.floats, whole.floats, rtol=1e-12)


def test_stretches_that_are_watched_apart_add_up_to_the_whole() -> None:
    terms, sessions, makers, events = busy_market(6_000, makers=7, orders_each=20)
    whole = market_statistics(terms=terms, market="M", sessions=sessions, makers=makers, events=events)
    of = {"terms": terms, "market": "M", "sessions": sessions, "makers": makers}
    rng, scorer, row, watches = Random(6), WatchedScorer(**of), 0, []
    while row < len(events):
        stop = min(len(events), row + rng.randint(500, 1500))
        scorer.feed_market(events.slice(row, stop))
        watches.append(scorer.watch)
        scorer = WatchedScorer.restore(scorer.state(), **of)
        row = stop
    scorer.finish()
    watches.append(scorer.watch)
    assert len(watches) > 4
    assert (sum(watch.cells.whole for watch in watches) == whole.whole).all()
    assert (sum(watch.cells.market for watch in watches) == whole.of_market).all()
    assert np.allclose(sum(watch.cells.floats for watch in watches), whole.floats, rtol=1e-12)


def test_one_makers_crowd_of_orders_outgrows_the_arrays_and_is_counted_right(monkeypatch: pytest.MonkeyPatch) -> None:
    terms, sessions, makers, events = busy_market(1_700, makers=1, orders_each=1200, moving=0.1)
    seen = set()
    loads = compiled.arrays.load

    def noted(*args: Any) -> Any:
        seen.add(args[-1].slots)
        return loads(*args)

    monkeypatch.setattr(compiled.arrays, "load", noted)
    compiled_way = market_statistics(terms=terms, market="M", sessions=sessions, makers=makers, events=events)
    assert max(seen) > 1
    monkeypatch.setattr(compiled.arrays, "rule_numbers", lambda *_: None)
    exact = market_statistics(terms=terms, market="M", sessions=sessions, makers=makers, events=events)
    assert (compiled_way.whole == exact.whole).all()
    assert np.allclose(compiled_way.floats, exact.floats, rtol=1e-9)


def test_every_moment_of_a_maker_has_one_reason_and_every_moment_of_an_order_one_fate(tmp_path: Path) -> None:
    rows = 0
    for seed in range(15):
        write_random_bundle(tmp_path / str(seed), 9200 + seed)
        for market in each_market(evidence.read_inputs(tmp_path / str(seed))):
            for row in market.maker_table(by=By.SESSION).to_pylist():
                assert sum(row[f"{why}_ms"] for why in WHY) == row["end_ms"] - row["start_ms"]
                assert all(row[f"order_{fate}_ms"] >= 0 for fate in ORDER_FATES)
                assert 0 <= row["single_side_ms"] <= row["counting_ms"] <= row["lit_ms"] <= row["live_ms"]
                rows += 1
    assert rows > 50


def test_a_makers_morning_is_told_reason_by_reason() -> None:
    """Worked by hand: the reference is 200,000 half-ticks and the band 1000, so 500 ticks from 100,000."""
    inputs = story(
        [
            *book(),
            (10_000, "place", place("small", MAKER, "bid", 99_900, 9)),  # 9 lots of 10
            (20_000, "place", place("bid", MAKER, "bid", 99_750, 100)),  # rests 1 s before it counts
            (30_000, "place", place("far", MAKER, "ask", 100_500, 50)),  # at the band's end: no weight
            (40_000, "place", place("ask", MAKER, "ask", 100_250, 100)),
            (60_000, "cancel", {"order": "bid"}),
            (70_000, "cancel", {"order": "ask"}),  # the far one and the small one are left
            (80_000, "cancel", {"order": "far", "size": 45}),  # now too small
            (90_000, "halt", {}),
            (100_000, "resume", {}),
            (110_000, "cancel", {"order": "deep-bid"}),  # dark
            (120_000, "place", place("deep-again", STRANGER, "bid", 99_990, 5000)),
            (130_000, "cancel", {"order": "small"}),
            (130_000, "cancel", {"order": "far"}),
        ],
        duration_ms=140_000,
        two_sided_divisor=0,
    )
    (market,) = each_market(inputs)
    (row,) = market.maker_table(by=By.EPOCH).to_pylist()
    assert {why: row[f"{why}_ms"] for why in WHY} == {
        "no_quotes": 10_000 + 10_000,  # to 10 s, and from 130 s
        "too_small": 10_000 + (10_000 + 10_000 + 10_000),  # 10-20 s; 80-90, 100-110 and 120-130 s
        "too_young": 1_000,  # 20-21 s: the best order is large enough now
        "one_sided": 9_000 + 10_000 + 1_000 + 10_000,  # the bid alone 21-41 s, the ask alone 60-70 s
        "counting": 19_000,  # 41-60 s
        "too_far": 10_000,  # 70-80 s: "far" is large and old, and has no weight
        "halted": 10_000,
        "dark": 10_000,
    }
    # 100 lots at half the band on both sides, linear: Q is 50 lots, all there is, so the whole rate for 19 s of 130.
    assert row["share"] == pytest.approx(19 / 130)
    assert row["quality_lots"] == pytest.approx(50 * 19 / 120)
    assert row["live_ms"] == 130_000
    assert row["lit_ms"] == 120_000
    # Bids of age: 99,750 for 39 s, 25 bps away. Asks: 50 bps away (far) for 10 s to 41, 25 bps to 70, 50 bps to 80.
    assert row["bid_ms"] == 39_000
    assert row["bid_distance_bps"] == pytest.approx(25)
    assert row["ask_ms"] == 49_000
    assert row["ask_distance_bps"] == pytest.approx((10 * 50 + 29 * 25 + 10 * 50) / 49)
    assert row["two_sided_ms"] == 29_000  # 31-60 s
    assert row["spread_bps"] == pytest.approx((10 * 75 + 19 * 50) / 29)
    assert row["bid_depth_10_bps_lots"] == 0
    assert row["bid_depth_25_bps_lots"] == pytest.approx(100 * 39 / 120)
    assert row["ask_depth_50_bps_lots"] == pytest.approx((50 * 49 + 100 * 29) / 120)
    assert row["present_ms"] == 19_000


def test_an_epoch_beyond_49_days_is_refused_in_a_sentence() -> None:
    inputs = story(book(), duration_ms=(1 << 32) + 1)
    with pytest.raises(EpochTooLongError, match=r"^The epoch of 4294967297 ms is too long for statistics.*\.$"):
        list(each_market(inputs))


def test_lots_beyond_64_bits_are_refused_in_a_sentence_that_says_that_payouts_stand() -> None:
    inputs = story([*book(), (0, "place", place("huge", MAKER, "bid", 99_750, 1 << 41))], reference_depth_lots=1)
    (market,) = each_market(inputs)  # beyond the kernel, not beyond the columns
    assert market.maker_table(by=By.EPOCH)["bid_depth_25_bps_lots"].to_pylist() == [
        pytest.approx((1 << 41) * 599 / 600)
    ]
    inputs = story([*book(), (0, "place", place("huge", MAKER, "bid", 99_500, 1 << 62))])
    with pytest.raises(TooLargeError, match=r"^M: its lots are too many.*not affected\.$"):
        list(each_market(inputs))


def test_cells_begin_at_whole_five_minutes_and_at_sessions() -> None:
    inputs = story(book(), duration_ms=900_000, sessions=[(0, "pre"), (400_000, "regular")])
    (market,) = each_market(inputs)
    starts = market.market_table(by=By.FIVE_MINUTES)["start_ms"].to_pylist()
    grid = [at for at in range(START_MS, START_MS + 900_000) if at % 300_000 == 0]
    assert starts == sorted({START_MS, START_MS + 400_000, *grid})


def test_the_page_about_statistics_has_every_column_with_its_unit_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| ([^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {column.name: column.unit or "text" for column in [*MAKER_COLUMNS, *MARKET_COLUMNS]}


def test_tables_carry_units_and_meanings_with_them() -> None:
    (market,) = each_market(story(book()))
    for table, columns in (
        (market.maker_table(by=By.SESSION), MAKER_COLUMNS),
        (market.market_table(by=By.SESSION), MARKET_COLUMNS),
    ):
        assert table.schema.names == [column.name for column in columns]
        assert all(field.metadata[b"meaning"] for field in table.schema)
