"""Flags from amounts and accounts on small stories with answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.analysis.flagging import links, money

A, B, C, D = ("0x" + letter * 40 for letter in "abcd")
NAMES = {"ann": "Ann & Co", "ben": "Ben Ltd"}


def tokens(raw: int) -> str:
    return f"{raw} T"


# --- how it is spread ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [([5, 5, 5, 5], 0.0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([], 0.0), ([0, 0], 0.0), ([7], 0.0)],
)
def test_ginis_coefficient_of_amounts_that_one_can_work_out(amounts, expected):
    """[1, 3]: the mean difference |1-3| over all four pairs is 1, half of it relative to the mean of 2 is 1/4."""
    assert money.gini(amounts) == expected


@given(st.lists(st.integers(0, 10**24), min_size=1, max_size=30).filter(any))
def test_ginis_coefficient_is_the_mean_difference_of_all_pairs(amounts):
    pairs = sum(abs(one - two) for one in amounts for two in amounts)
    assert money.gini(amounts) == pytest.approx(pairs / (2 * len(amounts) * sum(amounts)), abs=1e-9)


def test_the_lorenz_curve_counts_from_the_smallest():
    assert money.lorenz([6, 1, 3]) == [(0, 0), (1, 100_000), (2, 400_000), (3, 1_000_000)]


@pytest.mark.parametrize(("largest", "level"), [(39, None), (40, "note"), (59, "note"), (60, "serious")])
def test_an_account_with_very_much_is_flagged(largest, level):
    rest = 100 - largest
    gains = {A: largest, B: rest - 2, C: 1, D: 1} if largest > 50 else {A: largest, B: 30, C: 15, D: 55 - largest}
    found = money.concentration(increments=gains, money=tokens)
    assert [flag.level for flag in found] == ([level] if level else [])
    if found:
        assert found[0].figures["largest_ppm"] == largest * 10_000
        assert f"gets {largest} T, {largest}% of all" in found[0].sentence


def test_three_accounts_are_few_and_no_news():
    assert money.concentration(increments={A: 98, B: 1, C: 1}, money=tokens) == []


def test_a_new_account_with_a_large_part_is_flagged_and_one_that_was_paid_before_is_not():
    gains = {A: 60, B: 30, C: 10}
    found = money.new_accounts(increments=gains, seen={A}, money=tokens)
    assert [(flag.subjects, flag.level) for flag in found] == [((B,), "serious"), ((C,), "note")]
    assert money.new_accounts(increments=gains, seen=(), money=tokens) == []


# --- against a maker's own past -----------------------------------------------------------------------------------

PAST = [(1000, {"ann": 50, "ben": 300}), (1000, {"ann": 60, "ben": 310}), (1000, {"ann": 40, "ben": 290})]


@pytest.mark.parametrize(
    ("ann", "expected"),
    [(150, []), (151, [("pay_jump", "note")]), (300, [("pay_jump", "note")]), (301, [("pay_jump", "serious")])],
)
def test_pay_that_jumps_over_three_times_its_median_is_flagged(ann, expected):
    """Ann's median is 50 of 1,000: three times that is 150, six times is 300."""
    found = money.against_past(pay={"ann": ann, "ben": 300}, budget=1000, past=PAST, names=NAMES)
    assert [(flag.code, flag.level) for flag in found] == expected


@pytest.mark.parametrize(("ben", "codes"), [(60, []), (59, ["drop"]), (0, ["drop"])])
def test_a_maker_that_has_all_but_gone_is_flagged(ben, codes):
    """Ben's median is 300 of 1,000; a fifth of it is 60."""
    found = money.against_past(pay={"ann": 50, "ben": ben}, budget=1000, past=PAST, names=NAMES)
    assert [flag.code for flag in found] == codes
    if codes:
        assert "Ben Ltd gets only" in found[0].sentence
        assert "the median of its last 3 epochs is 30%" in found[0].sentence


def test_two_epochs_are_no_past():
    assert money.against_past(pay={"ann": 900}, budget=1000, past=PAST[:2], names=NAMES) == []


def test_pay_for_an_hour_of_presence_far_above_the_others_is_flagged():
    """Four makers were there for ten hours each; three got 10 an hour, the fourth 60."""
    pay = {"a": 100, "b": 100, "c": 100, "d": 600}
    found = money.pay_rates(pay=pay, present_ms=dict.fromkeys(pay, 36_000_000), names={}, money=tokens)
    assert [flag.subjects for flag in found] == [("d",)]
    assert "d gets 60 T for an hour of presence; the median of 4 makers is 10 T." in found[0].sentence


@pytest.mark.parametrize("seed", range(20))
def test_honest_random_pay_raises_no_serious_flag_about_money(seed):
    """Twelve makers of different sizes whose pay wanders by a tenth from epoch to epoch."""
    rng = np.random.default_rng(seed)
    sizes = rng.uniform(20, 100, 12)
    epochs = [
        {f"m{number}": int(size * 10**6 * rng.uniform(0.9, 1.1)) for number, size in enumerate(sizes)} for _ in range(6)
    ]
    budget = int(sizes.sum() * 10**6 * 1.2)
    pay, past = epochs[0], [(budget, row) for row in epochs[1:]]
    found = [
        *money.concentration(increments=pay, money=tokens),
        *money.new_accounts(increments=pay, seen=pay, money=tokens),
        *money.against_past(pay=pay, budget=budget, past=past, names={}),
        *money.pay_rates(pay=pay, present_ms=dict.fromkeys(pay, 10**9), names={}, money=tokens),
    ]
    assert found == []


# --- links between accounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "level"), [(500_000, "serious"), (499_999, "note")])
def test_two_makers_that_pay_one_account_are_flagged_by_how_much_of_both_it_holds(share, level):
    payouts = {"ann": [(A, share), (B, 1_000_000 - share)], "ben": [(A, 900_000), (C, 100_000)]}
    (flag,) = links.shared_accounts(payouts=payouts, makers={}, names=NAMES)
    assert (flag.code, flag.level, flag.subjects, flag.where) == ("shared_account", level, ("ann", "ben"), A)
    assert "Ann & Co and Ben Ltd both pay" in flag.sentence


def test_a_maker_that_pays_an_address_which_quotes_for_another_is_flagged_and_one_that_pays_its_own_is_not():
    payouts = {"ann": [(D, 1_000_000)], "ben": [(D, 100_000), (C, 900_000)]}
    found = links.shared_accounts(payouts=payouts, makers={D: "ben", A: "ann"}, names=NAMES)
    assert [(flag.code, flag.subjects) for flag in found] == [
        ("shared_account", ("ann", "ben")), ("paid_to_rival", ("ann", "ben")),
    ]  # fmt: skip


def test_claims_of_two_makers_that_go_to_one_recipient_are_flagged_once():
    accounts = {"ann": [A], "ben": [B], "cora": [C]}
    (flag,) = links.shared_recipients(recipients={A: D, B: D}, accounts_of=accounts, names=NAMES)
    assert (flag.subjects, flag.where) == (("ann", "ben"), D)
    (flag,) = links.shared_recipients(recipients={A: B}, accounts_of=accounts, names=NAMES)
    assert flag.subjects == ("ann", "ben")
    assert links.shared_recipients(recipients={}, accounts_of={"ann": [A], "ben": [A]}, names=NAMES) == []


def test_tokens_that_went_between_two_makers_are_added_up_and_a_makers_own_are_not():
    rows = [(A, B, 5, 1), (B, A, 7, 2), (A, C, 100, 3), (A, D, 9, 4)]
    (flag,) = links.token_transfers(transfers=rows, maker_of={A: "ann", C: "ann", B: "ben"}, names=NAMES, money=tokens)
    assert (flag.subjects, flag.figures) == (("ann", "ben"), {"transfers": 2, "amount": "12"})
    assert flag.sentence == "12 T went between accounts of Ann & Co and of Ben Ltd in 2 transfers."
