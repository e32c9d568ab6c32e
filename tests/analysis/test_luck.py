"""Sampling once a minute pays right on average, luckily or not, and exactly what a second implementation says."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewards.analysis.luck import Range, sampling_luck, score_at
from rewards.analysis.sampling import draw_instants, live_stretches
from rewards.analysis.watching import Instants
from rewards.engine import compiled, evidence, scoring
from rewards.engine.errors import EngineError
from rewards.engine.events import MarketEvents
from rewards.engine.rules import rules_of
from tests.analysis.stories import MAKER, RIVAL, START_MS, book, place, story
from tests.engine.published import run_engine
from tests.engine.random_epochs import write_random_bundle
from tests.engine.reference_inputs import read_bundle
from tests.engine.reference_market import ONE_SHARE, Replay

VECTOR = Path(__file__).parents[1] / "vectors" / "bundles" / "240"
HOUR_MS = 3_600_000
KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")


class SampledReference(Replay):
    """The reference's replay, which writes down the shares of every interval."""

    def run(self) -> Any:
        self.shares: list[tuple[int, int, str, bool, dict[str, int]]] = []
        return super().run()

    def count(self, now: int, dt: int, reference: int | None) -> None:
        super().count(now, dt, reference)
        if self.halted or reference is None:
            return
        quality = self.quality(now, reference, self.band(now, reference))
        full = max(sum(quality.values()), self.terms["target_lots"] * 1_000_000)
        shares = {maker: q * ONE_SHARE // full for maker, q in quality.items() if q}
        self.shares.append((now, now + dt, self.kind_at(now), self.in_stress(now), shares))

    def sampled(self, instants: list[tuple[int, int]]) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
        """Credit by (maker, kind), and stress credit, of (instant, length of its minute)."""
        credit: dict[tuple[str, str], int] = {}
        stress: dict[str, int] = {}
        for at_ms, length_ms in instants:
            for start, end, kind, stressed, shares in self.shares:
                if start <= at_ms < end:
                    for maker, share in shares.items():
                        credit[maker, kind] = credit.get((maker, kind), 0) + share * length_ms
                        stress[maker] = stress.get(maker, 0) + share * length_ms * stressed
        return credit, stress


@pytest.mark.parametrize("without_kernel", [False, True])
def test_the_same_instants_give_the_second_implementations_credit(
    tmp_path: Path, without_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if without_kernel:
        monkeypatch.setattr(compiled.arrays, "rule_numbers", lambda *_: None)
    compared = 0
    for seed in range(12):
        write_random_bundle(tmp_path / str(seed), 9300 + seed)
        inputs = evidence.read_inputs(tmp_path / str(seed))
        for market, events in inputs.events.split(makers=inputs.makers).items():
            if market not in inputs.terms.markets:
                continue
            rules = rules_of(terms=inputs.terms, market=market)
            rng = np.random.default_rng(seed)
            instants = draw_instants(rules=rules, sessions=inputs.sessions, events=events, draws=5, generator=rng)
            try:
                _, scores = score_at(inputs, market, events, instants=instants, draws=5)
            except EngineError:
                continue
            reference = SampledReference(read_bundle(tmp_path / str(seed)), market)
            reference.run()
            for draw, score in enumerate(scores):
                own = instants.draw == draw
                drawn = list(zip(instants.time_ms[own].tolist(), instants.length_ms[own].tolist(), strict=True))
                credit, stress = reference.sampled(drawn)
                for maker, name in enumerate(score.makers):
                    assert score.stress_credit[maker] == stress.get(name, 0)
                    for kind, of_kind in enumerate(KINDS):
                        assert score.credit[maker][kind] == credit.get((name, of_kind), 0)
                compared += len(credit)
    assert compared > 100


def test_every_minute_of_live_time_has_one_instant_in_it_and_halts_have_none() -> None:
    inputs = story(
        [
            (-2000, "halt", {}),
            *book(-1000),
            (10_000, "resume", {}),
            (100_000, "halt", {}),
            (100_000, "halt", {}),
            (150_000, "resume", {}),
            (150_000, "halt", {}),
            (150_000, "resume", {}),
        ],
        duration_ms=400_000,
        sessions=[(0, "pre"), (200_000, "regular")],
    )
    rules = rules_of(terms=inputs.terms, market="M")
    events = inputs.events.split(makers=inputs.makers)["M"]
    stretches = live_stretches(rules=rules, sessions=inputs.sessions, events=events)
    assert [(session, start - START_MS, end - START_MS) for session, start, end in stretches] == [
        (0, 10_000, 100_000),
        (0, 150_000, 200_000),
        (1, 200_000, 400_000),
    ]
    drawn = draw_instants(
        rules=rules, sessions=inputs.sessions, events=events, draws=300, generator=np.random.default_rng(3)
    )
    # 140 s of pre-market: two minutes and 20 s. 200 s of regular hours: three minutes and 20 s.
    minutes = [(10, 70), (70, 180), (180, 200), (200, 260), (260, 320), (320, 380), (380, 400)]
    lengths = [60_000, 60_000, 20_000, 60_000, 60_000, 60_000, 20_000]
    assert (np.diff(drawn.time_ms) >= 0).all()
    for draw in range(300):
        own = drawn.draw == draw
        assert drawn.length_ms[own].tolist() == lengths
        for at_ms, (start, end) in zip((drawn.time_ms[own] - START_MS).tolist(), minutes, strict=True):
            assert start * 1000 <= at_ms < end * 1000
            assert not 100_000 <= at_ms < 150_000
    assert drawn.time_ms.min() - START_MS < 11_000
    assert drawn.time_ms.max() - START_MS > 399_000


def flickering(**changes: Any) -> Any:
    """Ten hours in which the rival quotes without a break, and the maker in 20 of every 90 seconds, about."""
    rows = [
        *book(),
        (-3000, "place", place("rival-bid", RIVAL, "bid", 99_750, 400)),
        (-3000, "place", place("rival-ask", RIVAL, "ask", 100_250, 400)),
    ]
    for number, at_ms in enumerate(range(5_000, 10 * HOUR_MS - 95_000, 90_000)):
        rows += [
            (at_ms, "place", place(f"b{number}", MAKER, "bid", 99_750, 400)),
            (at_ms, "place", place(f"a{number}", MAKER, "ask", 100_250, 400)),
            (at_ms + 21_000, "cancel", {"order": f"b{number}"}),
            (at_ms + 21_000, "cancel", {"order": f"a{number}"}),
        ]
    return story(rows, duration_ms=10 * HOUR_MS, sessions=[(0, "pre"), (3 * HOUR_MS, "regular")], **changes)


def test_the_mean_of_many_draws_is_the_exact_amount_and_only_who_flickers_has_luck() -> None:
    draws = 400
    luck = sampling_luck(flickering(target_lots=1000), draws=draws, seed=7)
    rival, maker = luck.by_maker["rival"], luck.by_maker["maker"]
    assert rival.least == rival.exact == rival.most == rival.mean  # always 200 lots of quality of a target of 1000
    assert maker.least < maker.low < maker.exact < maker.high < maker.most
    # 600 minutes a draw, each right on average. The mean of 400 draws lies within four standard errors.
    per_draw = (maker.high - maker.low) / 3.29  # 90% of a normal distribution are 3.29 standard deviations
    assert abs(maker.mean - maker.exact) < 4 * per_draw / draws**0.5
    # A sample hits 20 of 90 s: the credit of 600 minutes has a relative deviation of sqrt((1 - p) / (p * 600)) at most.
    p = 20 / 90
    assert 0.2 < per_draw / maker.exact / ((1 - p) / (p * 600)) ** 0.5 < 1.1


def test_a_rivals_flicker_is_the_steady_makers_luck_too_when_they_share_one_rate() -> None:
    rival = sampling_luck(flickering(target_lots=0), draws=50, seed=7).by_maker["rival"]
    assert rival.low < rival.exact < rival.high


def test_the_same_seed_draws_the_same_luck_and_another_seed_another() -> None:
    inputs = flickering()
    first, again, other = (sampling_luck(inputs, draws=20, seed=seed).by_maker["maker"] for seed in (1, 1, 2))
    assert first == again
    assert first.mean != other.mean


def test_caps_hold_in_every_draw() -> None:
    inputs = flickering(max_share_bps=500)
    cap = inputs.terms.budget * 500 // 10_000
    luck = sampling_luck(inputs, draws=20, seed=1)
    assert luck.by_maker["rival"] == Range(exact=cap, mean=cap, low=cap, high=cap, least=cap, most=cap)


def test_a_market_that_never_was_live_pays_nobody_by_either_rule() -> None:
    inputs = story([(-10, "halt", {}), *book(-5), (0, "place", place("bid", MAKER, "bid", 99_900, 100))])
    assert sampling_luck(inputs, draws=5, seed=1).by_maker == {}


def test_the_report_holds_the_same_amounts_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    luck = sampling_luck(evidence.read_inputs(VECTOR), draws=20, seed=3)
    assert run_engine("luck", VECTOR, "--draws", 20, "--seed", 3, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert {row["maker"]: row["high"] for row in document["makers"]} == {
        maker: str(each.high) for maker, each in luck.by_maker.items()
    }
    result = scoring.score(evidence.read_inputs(VECTOR))
    assert {(row["maker"], row["market"]): row["exact"] for row in document["rows"]} == {
        (row.maker, row.market): str(row.payout) for row in result.allocations
    }
    assert run_engine("luck", VECTOR, "--draws", 20, "--seed", 3) == 0
    text = capsys.readouterr().out
    for maker, each in luck.by_maker.items():
        assert re.search(rf"\n{maker} +all markets +{each.exact:,} +{each.mean:,} +{each.low:,} +{each.high:,} ", text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--draws", "0"), "--draws: it has to be from 1 to 2000."),
        (("--seed", "-1"), "--seed: it has to be 0 or more."),
        (("--decimals", "78"), "--decimals: it has to be from 0 to 77."),
    ],
)
def test_options_out_of_range_are_one_sentence(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_engine("luck", VECTOR, *options) == 2
    assert capsys.readouterr().err == f"{said}\n"


def test_a_range_is_by_nearest_rank() -> None:
    drawn = [10**30 + number for number in range(200, 0, -1)]
    found = Range.of(exact=5, drawn=drawn)
    assert (found.low, found.high) == (10**30 + 10, 10**30 + 190)
    assert (found.least, found.most, found.mean) == (10**30 + 1, 10**30 + 200, 10**30 + 100)
    assert found.mean == int(statistics.median_low(drawn))
    assert Range.of(exact=1, drawn=[7]) == Range(exact=1, mean=7, low=7, high=7, least=7, most=7)


def test_no_draws_are_no_instants() -> None:
    inputs = story(book())
    rules = rules_of(terms=inputs.terms, market="M")
    nothing = draw_instants(
        rules=rules,
        sessions=inputs.sessions,
        events=MarketEvents.none(),
        draws=0,
        generator=np.random.default_rng(1),
    )
    assert len(nothing.time_ms) == nothing.draws == Instants.none().draws == 0
