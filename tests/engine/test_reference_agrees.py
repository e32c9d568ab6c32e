"""The engine and the reference agree on every integer of random, broken and extreme epochs."""

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.agreement import differences
from tests.engine.broken_epochs import write_broken_bundle
from tests.engine.extreme_epochs import write_extreme_bundle
from tests.engine.features import FEATURES, features_of
from tests.engine.random_epochs import write_random_bundle

AT_ONCE = 20
RANDOM_SEEDS = range(400)


@pytest.mark.parametrize("first", RANDOM_SEEDS[::AT_ONCE])
def test_the_engine_agrees_with_the_reference_on_random_epochs(tmp_path: Path, first: int) -> None:
    found = []
    for seed in range(first, first + AT_ONCE):
        write_random_bundle(tmp_path / str(seed), seed)
        found += differences(tmp_path / str(seed), seed)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("first", range(0, 120, AT_ONCE))
def test_the_engine_agrees_with_the_reference_at_the_bounds(tmp_path: Path, first: int) -> None:
    found = []
    for seed in range(first, first + AT_ONCE):
        write_extreme_bundle(tmp_path / str(seed), seed)
        found += differences(tmp_path / str(seed), seed)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("first", range(0, 120, AT_ONCE))
def test_the_engine_refuses_what_the_reference_refuses_and_names_the_place(tmp_path: Path, first: int) -> None:
    found = []
    for seed in range(first, first + AT_ONCE):
        write_broken_bundle(tmp_path / str(seed), seed)
        found += differences(tmp_path / str(seed), seed)
    assert not found, "\n".join(found)


def test_every_feature_of_the_rule_is_drawn_in_at_least_ten_of_300_random_epochs(tmp_path: Path) -> None:
    drawn: Counter[str] = Counter()
    for seed in RANDOM_SEEDS[:300]:
        write_random_bundle(tmp_path / str(seed), seed)
        drawn.update(features_of(tmp_path / str(seed)))
    assert set(drawn) <= FEATURES
    assert {name: drawn[name] for name in sorted(FEATURES) if drawn[name] < 10} == {}
