"""A share split changes nobody's pay: against the unsplit twin, a second implementation and an example by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rewards.analysis.explain import explain
from rewards.analysis.explained import Explanation
from rewards.analysis.luck import sampling_luck
from rewards.analysis.moment import Looker
from rewards.analysis.statistics import By, each_market
from rewards.engine import bundle, scoring, verify, whatif
from rewards.engine.errors import BundleError, EngineError, InputError, TooFineError
from rewards.engine.inputs import Inputs
from rewards.engine.live import MarketScorer
from rewards.engine.splits import Split, Units
from tests.engine.agreement import differences
from tests.engine.published import publish, refused, restore_hashes, run_engine, seal
from tests.engine.random_epochs import Epoch
from tests.engine.scored_epochs import inputs_of
from tests.engine.split_epochs import SplitRow, draw_twins, write_split_bundle

seeds = st.integers(0, 2**32)
START = 1_790_000_000_000


def with_splits(epoch: Epoch, splits: list[SplitRow]) -> Inputs:
    return replace(inputs_of(epoch), splits=[Split(*row) for row in splits])


def paid(inputs: Inputs) -> dict[str, Any]:
    try:
        result = scoring.score(inputs)
    except EngineError as error:
        return {"refused": str(error)}
    return {
        "scores": result.scores, "allocations": result.allocations, "paid": result.paid, "root": result.root,
        "carried": result.carried_out, "unspent": result.unspent,
    }  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_nobodys_pay_changes_by_a_split_whatever_its_ratio(seed: int) -> None:
    twin, epoch, splits = draw_twins(seed)
    assert paid(with_splits(epoch, splits)) == paid(inputs_of(twin))


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_the_engine_agrees_with_the_reference_on_epochs_with_splits(tmp_path: Path, first: int) -> None:
    found = []
    for seed in range(first, first + 20):
        write_split_bundle(tmp_path / str(seed), seed)
        found += differences(tmp_path / str(seed), seed)
    assert not found, "\n".join(found)


@settings(max_examples=40, deadline=None)
@given(seeds, st.data())
def test_an_epoch_with_a_split_can_be_scored_in_pieces_cut_anywhere(seed: int, data: st.DataObject) -> None:
    _, epoch, splits = draw_twins(seed)
    inputs = with_splits(epoch, splits)
    assume("refused" not in paid(inputs))
    whole = scoring.score_markets(inputs, [inputs.events])
    known = {"terms": inputs.terms, "sessions": inputs.sessions, "makers": inputs.makers, "splits": inputs.splits}
    for market, events in inputs.events.split(makers=inputs.makers).items():
        if market not in inputs.terms.markets:
            continue
        cut = data.draw(st.integers(0, len(events)))
        scorer = MarketScorer(market=market, **known)
        scorer.feed_market(events.slice(0, cut))
        scorer = MarketScorer.restore(scorer.state(), market=market, **known)
        scorer.feed_market(events.slice(cut, len(events)))
        assert scorer.finish() == whole[market]


def place(order: str, address: str, side: str, price: int, size: int, time_ms: int) -> dict[str, Any]:
    known = {"order": order, "address": address, "side": side, "price": price, "size": size, "time_ms": time_ms}
    return {"kind": "place", **known}


def fill(order: str, size: int, taker: str, time_ms: int) -> dict[str, Any]:
    return {"kind": "fill", "order": order, "size": size, "taker": taker, "time_ms": time_ms}


def by_hand() -> Epoch:
    """Two makers quote 10 lots around 1,000 ticks; after one of four seconds 4 new shares are 1 old one."""
    rule = {
        "weight_bps": 10000, "quoting_share_bps": 8000, "fills_share_bps": 2000, "stress_share_bps": 0,
        "min_order_lots": 10, "min_rest_ms": 0, "reference_depth_lots": 10,
        "max_spread_bps": dict.fromkeys(KINDS, 200), "clamp_bps": dict.fromkeys(KINDS, 100),
        "min_uptime_bps": dict.fromkeys(KINDS, 0), "curve": {"kind": "linear"}, "two_sided_divisor": 0,
        "target_lots": 0, "presence_lots": 10, "max_share_bps": 10000,
    }  # fmt: skip
    terms = {
        "version": 1, "program": "by-hand", "token": "0x" + "aa" * 20,
        "epoch": {"number": 1, "start_ms": START, "end_ms": START + 4000}, "budget": "10000", "min_payout": "0",
        "unspent": "return", "boosts": dict.fromkeys(KINDS, 100), "markets": {"M": rule},
    }  # fmt: skip
    ann, bob, stranger = ("0x" + digits * 20 for digits in ("a1", "b0", "5e"))
    events = [
        place("ann-bid", ann, "bid", 996, 10, START - 9000),
        place("ann-ask", ann, "ask", 1004, 10, START - 9000),
        place("bob-bid", bob, "bid", 992, 30, START),
        place("bob-ask", bob, "ask", 1008, 30, START),
        fill("bob-ask", 10, stranger, START + 500),
        # From START + 1000 on: 40 lots at 249 and 251, 120 at 248 and 80 at 252.
        fill("ann-ask", 40, stranger, START + 2000),
        place("ann-ask-2", ann, "ask", 251, 40, START + 2000),
    ]
    empty = dict.fromkeys(("order", "address", "side", "price", "size", "taker"))
    numbered = [{"market": "M", "block": 7, "log_index": n, **empty, **event} for n, event in enumerate(events)]
    return Epoch(
        terms=terms, sessions=[(START, START + 4000, "regular")], makers=[(ann, "ann"), (bob, "bob")],
        payouts=[("ann", ann, 1_000_000), ("bob", bob, 1_000_000)], carried_in=[], previous=None, events=numbered,
    )  # fmt: skip


KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")


def test_a_small_epoch_with_a_4_for_1_split_pays_what_was_worked_out_by_hand() -> None:
    """R is 2,000 half-ticks all along and the band 40. Ann's orders are 8 away (weight 0.8), Bob's 16 (0.6).

    Until 500 ms: ann 10 * 0.8 = 8, bob 30 * 0.6 = 18, of 26. After it bob's asks are 20, so he has 12, of 20. For 500
    ms 8 / 26 and 3,500 ms 8 / 20 are 1,553.846... of 4,000 ms: of 8,000 for quoting, ann has 3,107.69 and bob the
    rest, 4,892.30. Fills: ann 10 * 1,004 and bob 10 * 1,008, of 20,120: of 2,000, ann has 998.01 and bob 1,001.98.
    """
    result = scoring.score(with_splits(by_hand(), [("M", START + 1000, 4, 1)]))
    rows = {row.maker: (row.quoting, row.fills, row.payout) for row in result.allocations}
    assert rows == {"ann": (3107, 998, 4105), "bob": (4892, 1001, 5893)}


def test_without_its_split_the_same_events_make_no_sense() -> None:
    with pytest.raises(EngineError, match="more lots than rest"):
        scoring.score(inputs_of(by_hand()))


@pytest.mark.parametrize(
    "splits",
    [
        [("M", START + 4000, 10, 1)],  # the epoch is over
        [("M", START - 9000, 1, 7)],  # at the first event: all of them are after it
        [("M", START - 90_000, 3, 2), ("M", START - 80_000, 5, 1)],
        [("ANOTHER", START + 1000, 2, 1)],
    ],
)
def test_a_split_that_none_of_the_events_came_before_or_after_changes_nothing(splits: list[SplitRow]) -> None:
    epoch = by_hand()
    epoch.events = epoch.events[:5]
    assert paid(with_splits(epoch, splits)) == paid(inputs_of(epoch))


def test_a_split_before_the_first_event_counts_when_the_epoch_had_begun() -> None:
    """Ann's 40 new lots are 10 old ones, and 11 of the terms' are asked for: those of the epoch's start are old ones
    when the split comes after it, new ones when it comes with it.

    All quotes begin after 100 ms. Bob alone has 3,900 of 4,000 ms: 7,800 of 8,000. With both, ann has 400 ms of 8 / 26
    and 3,500 of 8 / 20, which is 1,523.07... ms, and bob 2,376.92...: 3,046 and 4,753.
    """
    epoch = by_hand()
    epoch.terms["markets"]["M"]["min_order_lots"] = 11
    for event in epoch.events:
        event["time_ms"] = max(event["time_ms"], START + 100)
        if event["time_ms"] < START + 1000:
            event["size"] *= 4
            event["price"] = event["price"] and event["price"] // 4
    for split_ms, quoting in ((START + 50, {"ann": 0, "bob": 7800}), (START, {"ann": 3046, "bob": 4753})):
        result = paid(with_splits(epoch, [("M", split_ms, 4, 1)]))
        assert {row.maker: row.quoting for row in result["allocations"]} == quoting


def test_the_fine_units_are_the_coarsest_in_which_all_is_whole() -> None:
    there_and_back = [Split("M", 5, 4, 1), Split("M", 9, 1, 4)]
    assert Units.of(there_and_back, start_ms=0) == Units((5, 9), (1, 4, 1), (4, 1, 4), 1, 4)
    assert Units.of(there_and_back, start_ms=5) == Units((5, 9), (1, 4, 1), (4, 1, 4), 4, 1)
    assert Units.of([Split("M", 5, 3, 2)], start_ms=6) == Units((5,), (2, 3), (3, 2), 3, 2)


@pytest.mark.parametrize(
    ("split", "says"),
    [
        (Split("M", 5, 8, 2), "lowest terms"),
        (Split("M", 5, 1, 1), "not 1 for 1"),
        (Split("M", 5, 0, 1), "from 1 to 1000000"),
        (Split("M", 5, 1, 1_000_001), "from 1 to 1000000"),
        (Split("M", -1, 2, 1), "does not fit"),
    ],
)
def test_a_split_that_is_none_is_refused(split: Split, says: str) -> None:
    with pytest.raises(InputError, match=says):
        replace(inputs_of(by_hand()), splits=[split])
    with pytest.raises(InputError, match="two splits at one time"):
        replace(inputs_of(by_hand()), splits=[Split("M", 5, 2, 1), Split("M", 5, 3, 1)])


def test_numbers_that_do_not_fit_64_bits_in_the_common_units_are_named() -> None:
    epoch = by_hand()
    epoch.events[2]["size"] = 2**62
    with pytest.raises(TooFineError, match=r"block 7, log index 2: .* 64 bits \(size 4611686018427387904\)"):
        scoring.score(with_splits(epoch, [("M", START + 1000, 4, 1)]))


def without_means(explained: Explanation) -> Any:
    """An explanation as plain values, without the floats of its statistics: those are compared apart."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items() if not isinstance(each, float)}
        return [plain(each) for each in value] if isinstance(value, list | tuple) else value

    return plain(asdict(replace(explained, terms=None)))


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_explanations_statistics_luck_and_what_if_show_the_twins_figures(seed: int) -> None:
    twin, epoch, splits = draw_twins(seed)
    assume("refused" not in paid(inputs_of(twin)))
    ours, plain = with_splits(epoch, splits), inputs_of(twin)
    account = ours.payouts["alpha"][0][0]
    assert without_means(explain(ours, account=account)) == without_means(explain(plain, account=account))
    assert sampling_luck(ours, draws=3, seed=1) == sampling_luck(plain, draws=3, seed=1)
    for split, unsplit in zip(each_market(ours), each_market(plain), strict=True):
        for mine, theirs in zip(
            split.maker_table(by=By.SESSION).to_pylist(), unsplit.maker_table(by=By.SESSION).to_pylist(), strict=True
        ):
            words = {name for name, value in theirs.items() if not isinstance(value, int | float)}
            assert {name: mine[name] for name in words} == {name: theirs[name] for name in words}
            assert {n: mine[n] for n in mine if n not in words} == pytest.approx(
                {n: theirs[n] for n in theirs if n not in words}, rel=1e-9
            )
    tried = whatif.try_terms(inputs=ours, variants={"own": ours.terms}, batches=lambda: [ours.events])
    assert tried["own"].earned == scoring.score(plain).earned


def test_a_look_at_the_book_after_a_split_shows_new_lots_at_new_prices() -> None:
    inputs = with_splits(by_hand(), [("M", START + 1000, 4, 1)])
    events = inputs.events.split(makers=inputs.makers)["M"]
    looker = Looker(
        terms=inputs.terms, market="M", sessions=inputs.sessions, makers=inputs.makers, splits=inputs.splits
    )
    seen = looker.look(time_ms=START + 2500, events=events, maker="ann")
    assert [(level.price, level.lots, level.own_lots) for level in seen.bids] == [(249, 40, 40), (248, 120, 0)]
    assert [(level.price, level.lots, level.own_lots) for level in seen.asks] == [(251, 40, 40), (252, 80, 0)]
    assert (seen.reference, seen.band, seen.near_bid, seen.bid) == (500, 10, 40, 32_000_000)


def publish_by_hand(directory: Path) -> Path:
    inputs = with_splits(by_hand(), [("M", START + 1000, 4, 1)])
    result = scoring.score(inputs)
    bundle.write_inputs(directory, inputs)
    bundle.write_outputs(directory, inputs, result)
    seal(directory, inputs, result.root)
    return directory


def test_a_bundle_with_a_split_is_of_version_2_and_verifies(tmp_path: Path) -> None:
    published = publish_by_hand(tmp_path / "b")
    assert (published / "splits.csv").read_text() == f"market,time_ms,new,old\nM,{START + 1000},4,1\n"
    assert json.loads((published / "manifest.json").read_text())["version"] == 2
    assert verify.verify_bundle(published).ok
    assert json.loads((publish(tmp_path / "plain") / "manifest.json").read_text())["version"] == 1


def test_a_split_that_is_changed_or_left_out_of_a_bundle_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = publish_by_hand(tmp_path / "b")
    (published / "splits.csv").write_text(f"market,time_ms,new,old\nM,{START + 900},8,2\n")
    restore_hashes(published)
    assert run_engine("verify", published) == 2
    refused(capsys, "splits.csv", "lowest terms")
    (published / "splits.csv").unlink()
    manifest = json.loads((published / "manifest.json").read_text())
    del manifest["files"]["splits.csv"]
    (published / "manifest.json").write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
    (published / "manifest.sha256").unlink()
    with pytest.raises(BundleError, match="it is 2 and files such as these are of version 1"):
        verify.verify_bundle(published)
