"""Pay through vaults: weights and splits against a second implementation, a worked example, and what always holds."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.engine import evidence, scoring
from rewards.engine.errors import EngineError, NegativeBalanceError
from rewards.engine.timeweights import Transfers, time_slack, time_weights
from rewards.engine.vaults import split_over_holders
from tests.engine.agreement import differences
from tests.engine.published import (
    INPUTS,
    MANIFEST,
    copy_inputs,
    publish,
    refused,
    restore_hashes,
    run_engine,
    seal,
    write_manifest,
)
from tests.engine.reference_vaults import NOBODY, balances_at, slow_weights
from tests.engine.vault_epochs import HOLDER_HEADER, VAULT_HEADER, columns, draw_transfers, write_vault_bundle

ANN, BEN, CAT, VAULT, OPERATOR = ("0x" + digit * 40 for digit in "abcde")
ADDRESSES = st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}")
HOLDERS = st.dictionaries(ADDRESSES, st.integers(1, 2**256), max_size=12)


def test_the_worked_example_of_the_document() -> None:
    """Ann has 100 shares from before. At 250 ms she gives Ben 50, at 900 ms she redeems hers; the epoch ends at 1000.

    Ann: 100 * 250 + 50 * 650 = 57,500. Ben: 50 * 750 = 37,500. Of 1,000 units Ann gets 1,000 * 57,500 // 95,000 = 605
    and Ben 394; one unit is left to the operator. Cat comes at the end and has nothing.
    """
    rows = [(-9_000, NOBODY, ANN, 100), (250, ANN, BEN, 50), (900, ANN, NOBODY, 50), (1_000, NOBODY, CAT, 10**9)]
    found = time_weights(columns(rows), vault=VAULT, start_ms=0, end_ms=1_000)
    assert found.weights == {ANN: 57_500, BEN: 37_500}
    assert found.balances == {ANN: 0, BEN: 50}
    assert found.supply == 50
    assert split_over_holders(1_000, holders=found.weights, operator=OPERATOR) == {ANN: 605, BEN: 394, OPERATOR: 1}


def test_a_vault_that_nobody_holds_pays_its_operator() -> None:
    assert split_over_holders(7, holders={}, operator=OPERATOR) == {OPERATOR: 7}


def test_the_vault_itself_the_zero_address_and_those_who_cannot_collect_have_no_weight() -> None:
    rows = [(0, NOBODY, ANN, 30), (0, ANN, VAULT, 10), (0, ANN, NOBODY, 5), (0, ANN, BEN, 5)]
    found = time_weights(columns(rows), vault=VAULT, start_ms=0, end_ms=10, excluded={BEN})
    assert found.weights == {ANN: 100}
    assert found.balances == {ANN: 10, BEN: 5, VAULT: 10}


def test_who_gives_and_gets_back_in_one_block_holds_as_if_nothing_had_happened() -> None:
    rows = [(0, NOBODY, ANN, 30), (5, ANN, BEN, 30), (5, BEN, ANN, 30)]
    assert time_weights(columns(rows), vault=VAULT, start_ms=0, end_ms=10).weights == {ANN: 300}


def test_a_token_whose_transfers_leave_somebody_below_nothing_is_refused_with_block_and_account() -> None:
    rows = [(0, NOBODY, ANN, 30), (5, ANN, BEN, 31)]
    with pytest.raises(NegativeBalanceError, match=rf"after block 2 its transfers leave {ANN} with -1 shares"):
        time_weights(columns(rows), vault=VAULT, start_ms=0, end_ms=10)
    assert time_weights(columns(rows), vault=VAULT, start_ms=0, end_ms=5).weights == {ANN: 150}


def test_inside_a_block_transfers_may_be_told_in_any_order() -> None:
    rows = [(0, ANN, BEN, 30), (0, NOBODY, ANN, 30)]
    assert time_weights(columns(rows), vault=VAULT, start_ms=0, end_ms=10).weights == {BEN: 300}


@pytest.mark.parametrize("widest", [5, 10**9, 2**256 // 90])
def test_drawn_transfers_weigh_what_the_slow_walk_says(widest: int) -> None:
    for seed in range(60):
        rng = Random(f"{widest} {seed}")
        rows = draw_transfers(rng, vault=VAULT, count=rng.randint(0, 90), widest=widest)
        last = rows[-1][0] if rows else 0
        start = rng.randint(0, last + 5)
        end = rng.randint(start + 1, last + 10)
        found = time_weights(columns(rows), vault=VAULT, start_ms=start, end_ms=end)
        assert found.weights == slow_weights(rows, vault=VAULT, start_ms=start, end_ms=end), seed
        at_end = {name: held for name, held in balances_at(rows, end - 1).items() if name != NOBODY and held}
        assert {name: held for name, held in found.balances.items() if held} == at_end, seed


@settings(deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_transfers_within_a_block_and_the_order_of_accounts_do_not_matter(seed: int) -> None:
    rng = Random(seed)
    rows = draw_transfers(rng, vault=VAULT, count=30, widest=rng.choice((9, 2**200)))
    found = time_weights(columns(rows), vault=VAULT, start_ms=500, end_ms=3000)
    rng.shuffle(rows)
    rows.sort(key=lambda row: row[0])
    again = columns(rows)
    places = list(range(len(again.accounts)))
    rng.shuffle(places)
    moved = Transfers(
        block=again.block, time_ms=again.time_ms, value=again.value,
        sender=np.array(places, np.int32)[again.sender], receiver=np.array(places, np.int32)[again.receiver],
        accounts=[name for _, name in sorted(zip(places, again.accounts, strict=True))],
    )  # fmt: skip
    assert time_weights(moved, vault=VAULT, start_ms=500, end_ms=3000) == found


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), wrong_ms=st.integers(1, 999))
def test_times_that_are_wrong_by_less_than_a_second_move_weights_by_no_more_than_the_slack(
    seed: int, wrong_ms: int
) -> None:
    rng = Random(seed)
    rows = draw_transfers(rng, vault=VAULT, count=20, widest=1000)
    start, end = rng.randint(0, 1000), rng.randint(1001, 4000)
    # All times are late by the same, so that their order stays.
    late = [(time_ms + wrong_ms, *rest) for time_ms, *rest in rows]
    right = time_weights(columns(rows), vault=VAULT, start_ms=start, end_ms=end).weights
    wrong = time_weights(columns(late), vault=VAULT, start_ms=start, end_ms=end).weights
    slack = time_slack(columns(rows), start_ms=start, end_ms=end, wrong_by_ms=wrong_ms)
    for name in {*right, *wrong}:
        assert abs(right.get(name, 0) - wrong.get(name, 0)) <= slack.get(name, 0)


@given(amount=st.integers(0, 2**256), holders=HOLDERS, operator=ADDRESSES)
def test_the_parts_sum_to_the_amount_and_the_operator_gets_less_than_a_unit_a_holder(
    amount: int, holders: dict[str, int], operator: str
) -> None:
    parts = split_over_holders(amount, holders=holders, operator=operator)
    assert sum(parts.values()) == amount
    assert all(parts.values())
    if holders:
        whole = sum(holders.values())
        dust = parts.get(operator, 0) - amount * holders.get(operator, 0) // whole
        assert 0 <= dust < len(holders)


@given(amount=st.integers(0, 2**256), holders=HOLDERS, operator=ADDRESSES)
def test_who_weighs_more_gets_no_less_and_the_order_of_holders_does_not_matter(
    amount: int, holders: dict[str, int], operator: str
) -> None:
    holders.pop(operator, None)
    parts = split_over_holders(amount, holders=holders, operator=operator)
    by_weight = sorted(holders, key=lambda account: holders[account])
    gains = [parts.get(account, 0) for account in by_weight]
    assert gains == sorted(gains)
    assert parts == split_over_holders(amount, holders=dict(reversed(holders.items())), operator=operator)


@pytest.mark.parametrize("start", [0, 20])
def test_the_engine_and_the_reference_agree_on_drawn_epochs_with_vaults(start: int, tmp_path: Path) -> None:
    wrong = []
    for seed in range(start, start + 20):
        write_vault_bundle(tmp_path / str(seed), seed)
        wrong += differences(tmp_path / str(seed), seed)
    assert wrong == []


def test_nothing_but_the_vaults_own_account_changes_and_its_pay_is_its_holders(tmp_path: Path) -> None:
    """What an implementation that doesn't know vaults finds differs in the vaults' accounts alone."""
    for seed in range(12):
        write_vault_bundle(tmp_path / str(seed), seed)
        try:
            result = scoring.score(evidence.read_inputs(tmp_path / str(seed)))
        except EngineError:  # a seed that is broken on purpose
            continue
        for name in ("vaults.csv", "holders.csv"):
            (tmp_path / str(seed) / name).unlink()
        plain = scoring.score(evidence.read_inputs(tmp_path / str(seed)))
        assert (plain.scores, plain.allocations, plain.paid) == (result.scores, result.allocations, result.paid)
        assert sum(plain.increments.values()) == sum(result.increments.values())
        through: dict[str, int] = {}
        for part in result.parts:
            account = part.vault or part.account
            through[account] = through.get(account, 0) + part.amount
        assert through == plain.increments


# Bundles


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A published bundle one of whose makers is paid through a vault with three holders."""
    return with_vault(tmp_path / "bundle")


def with_vault(directory: Path) -> Path:
    copy_inputs(directory)
    maker, vault, _ = (directory / "payouts.csv").read_text().splitlines()[1].split(",")
    (directory / "vaults.csv").write_text(f"{VAULT_HEADER}\n{vault},{maker},{OPERATOR}\n")
    rows = [f"{vault},{account},{weight}" for account, weight in ((ANN, 1), (BEN, 2**300), (CAT, 7))]
    (directory / "holders.csv").write_text("\n".join([HOLDER_HEADER, *rows, ""]))
    inputs = evidence.read_inputs(directory)
    evidence.write_outputs(directory, inputs, scoring.score(inputs))
    seal(directory, inputs, scoring.score(inputs).root)
    return directory


def test_a_bundle_with_a_vault_is_of_version_2_and_agrees(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads((bundle / MANIFEST).read_text())["version"] == 2
    assert run_engine("verify", bundle) == 0
    assert "agree" in capsys.readouterr().out


def test_writing_a_bundles_inputs_again_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    evidence.write_inputs(tmp_path / "again", evidence.read_inputs(bundle))
    for name in ("vaults.csv", "holders.csv", "payouts.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (bundle / name).read_bytes(), name


def test_a_bundle_without_vaults_is_of_version_1_and_has_no_file_more(tmp_path: Path) -> None:
    publish(tmp_path / "bundle")
    assert json.loads((tmp_path / "bundle" / MANIFEST).read_text())["version"] == 1
    evidence.write_inputs(tmp_path / "again", evidence.read_inputs(tmp_path / "bundle"))
    assert {each.name for each in (tmp_path / "again").iterdir()} == {*INPUTS, "previous_cumulative.json"}


def test_another_weight_gives_another_tree(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (bundle / "holders.csv").read_text()
    (bundle / "holders.csv").write_text(text.replace(f"{CAT},7", f"{CAT},{2**300}"))
    restore_hashes(bundle)
    assert run_engine("verify", bundle) == 1
    assert "tree.json, values" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (
            "holders.csv",
            lambda text: text + "\n".join(text.splitlines()[1:2]) + "\n",
            "have to rise by vault and account",
        ),
        ("holders.csv", lambda text: text.replace(f"{ANN},1", f"{ANN},0"), "is below 1"),
        ("holders.csv", lambda text: text.replace(f"{ANN},1", f"{ANN},1.5"), "not a whole number"),
        ("holders.csv", lambda text: text.replace(ANN, NOBODY), "can't be a holder"),
        ("holders.csv", lambda text: text.replace(ANN, ANN.upper()), "lower-case hex digits"),
        ("holders.csv", lambda text: text + f"0x{'f' * 40},{ANN},1\n", "is no vault of vaults.csv"),
        ("holders.csv", lambda text: text.replace("weight", "ppm"), "the first line has to be"),
        ("vaults.csv", lambda text: text.replace(OPERATOR, NOBODY), "the operator of"),
        ("vaults.csv", lambda text: text.replace(OPERATOR, "me"), "lower-case hex digits"),
        ("vaults.csv", lambda text: text + f"0x{'f' * 40},somebody,{OPERATOR}\n", "is not paid to its vault"),
        ("vaults.csv", lambda text: text + text.splitlines()[1] + "\n", "have to rise by vault and maker"),
    ],
)
def test_vaults_that_make_no_sense_are_one_sentence_that_names_the_file(
    name: str, change: object, says: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (bundle / name).read_text()
    after = change(before)  # type: ignore[operator]
    assert after != before
    (bundle / name).write_text(after)
    restore_hashes(bundle)
    assert run_engine("verify", bundle) == 2
    refused(capsys, name, says)


@pytest.mark.parametrize("name", ["vaults.csv", "holders.csv"])
def test_one_of_the_two_files_alone_is_refused(name: str, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / name).unlink()
    assert run_engine("score", bundle) == 2
    refused(capsys, name, "the file is missing")


def test_a_bundle_with_vaults_that_claims_version_1_is_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    write_manifest(bundle, manifest | {"version": 1})
    assert run_engine("verify", bundle) == 2
    refused(capsys, MANIFEST, "version: it is 1 and files such as these are of version 2")


def test_what_other_terms_would_have_paid_is_told_of_a_bundle_with_vaults_too(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_engine("whatif", bundle, "--sweep", "boosts.regular=100,200") == 0
    assert capsys.readouterr().err == ""
