"""An explanation leads from a leaf to the quotes, and every figure in it is the sum of those under it."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from rewards.analysis.explain import explain
from rewards.analysis.explain_text import Teller
from rewards.analysis.explained import Explanation
from rewards.engine import evidence, scoring
from rewards.engine.inputs import Inputs
from rewards.engine.kinds import KINDS
from rewards.engine.terms import parse_terms
from tests.analysis.stories import ACCOUNT, MAKER, RIVAL, book, place, story
from tests.engine.published import SENTENCE, run_engine
from tests.engine.random_epochs import write_random_bundle
from tests.engine.reference import score_reference
from tests.engine.reference_inputs import BrokenBundleError
from tests.engine.vault_epochs import write_vault_bundle

VECTOR = Path(__file__).parents[1] / "vectors" / "bundles" / "240"
NOBODY = "0x" + "9" * 40
CELL = re.compile(r"\S+(?: \S+)*")
NUMBER = re.compile(r"-?[\d,]+(?:\.\d+)?")


def check_sums(found: Explanation, expected: dict[str, Any]) -> int:
    """Assert that figures are sums of those under them, and the reference's; return how many sessions there were."""
    leaves = {(account, token): int(amount) for account, token, amount in expected["cumulative"]}
    assert found.root == expected["root"]
    assert found.cumulative == found.previous + found.increment
    assert found.cumulative == leaves.get((found.account, found.terms.token), 0)
    assert found.increment == int(expected["increments"].get(found.account, 0))
    assert found.increment == sum(maker.amount for maker in found.makers)
    sessions = 0
    for maker in found.makers:
        assert maker.paid == int(expected["paid"].get(maker.maker, 0)) == sum(amount for _, _, amount in maker.accounts)
        assert maker.carried_out == int(expected["carried_out"].get(maker.maker, 0))
        assert maker.earned + maker.carried_in == maker.paid + maker.carried_out
        assert maker.earned == sum(market.payout for market in maker.markets)
        for market in maker.markets:
            row = expected["allocations"].get((market.market, maker.maker), (0, 0, 0, 0))
            assert (market.quoting, market.fills, market.stress, market.payout) == row
            assert market.payout == market.quoting + market.fills + market.stress - market.cut + market.redistributed
            for pool in ("quoting", "fills", "stress"):
                parts = [getattr(kind, pool) for kind in market.kinds]
                unplaced = market.unplaced_stress if pool == "stress" else 0
                assert getattr(market, pool) == sum(parts) + unplaced
                for kind in market.kinds:
                    own = [each for each in market.stretches if each.kind == kind.kind]
                    assert getattr(kind, pool) == sum(getattr(each, pool) for each in own)
                    assert all(getattr(each, pool) >= 0 for each in own)
            for kind in market.kinds:
                own = [each for each in market.stretches if each.kind == kind.kind]
                score = expected["scores"].get((market.market, maker.maker, kind.kind), (0, 0, kind.live_ms))
                assert (kind.credit, kind.present_ms, kind.live_ms) == score
                assert kind.credit == sum(each.credit for each in own)
                if market.no_statistics is None:
                    assert kind.present_ms == sum(each.statistics["present_ms"] for each in own)
                    assert kind.live_ms == sum(each.statistics["live_ms"] for each in own)
            sessions += len(market.stretches)
    return sessions


def test_every_account_of_random_epochs_adds_up_to_what_the_reference_pays(tmp_path: Path) -> None:
    sessions, gated, cut, shared = 0, 0, 0, 0
    for seed in range(25):
        write_random_bundle(tmp_path / str(seed), 9400 + seed)
        try:
            expected = score_reference(tmp_path / str(seed))
        except BrokenBundleError:
            continue
        inputs = evidence.read_inputs(tmp_path / str(seed))
        paid_to = {account for shares in inputs.payouts.values() for account, _ in shares}
        for account in sorted({*paid_to, *(account for account, _, _ in inputs.previous or ())}):
            found = explain(inputs, account=account)
            sessions += check_sums(found, expected)
            markets = [market for maker in found.makers for market in maker.markets]
            gated += sum(kind.gated and kind.credit > 0 for market in markets for kind in market.kinds)
            cut += sum(market.cut > 0 for market in markets)
            shared += sum(market.redistributed > 0 for market in markets)
    assert sessions > 500
    assert min(gated, cut, shared) > 5


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a printed explanation, as rows of cells."""
    found = []
    for is_table, lines in groupby(text.splitlines(), key=lambda line: "  " in line.strip()):
        if is_table:
            found.append([CELL.findall(line.strip().replace("  ", "\t")) for line in lines])
    return [[[cell for part in row for cell in part.split("\t") if cell.strip()] for row in rows] for rows in found]


def test_the_last_row_of_every_printed_table_is_the_sum_of_those_above(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = evidence.read_inputs(VECTOR)
    for shares in inputs.payouts.values():
        for account, _ in shares:
            assert run_engine("explain", VECTOR, "--account", account) == 0
            summed = 0
            for rows in tables(capsys.readouterr().out):
                if not rows[-1][0].startswith("all "):
                    continue
                sums = [value(cell) for cell in rows[-1][1:]]
                width = len(sums)
                for column in range(1, width + 1):
                    cells = [row[-column] for row in rows[1:-1]]
                    assert sum(map(value, cells)) == sums[-column], rows
                    summed += 1
            assert summed > 50


def value(cell: str) -> int:
    assert NUMBER.fullmatch(cell), cell
    return int(cell.replace(",", "").replace(".", ""))


def test_json_holds_the_same_amounts_as_text_and_all_statistics(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = evidence.read_inputs(VECTOR)
    account = inputs.payouts["maker-0"][0][0]
    assert run_engine("explain", VECTOR, "--account", account.upper().replace("0X", "0x"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    result = scoring.score(inputs)
    assert document["root"] == result.root
    assert document["increment"] == str(result.increments[account])
    (maker,) = document["makers"]
    assert {each["market"]: each["payout"] for each in maker["markets"]} == {
        row.market: str(row.payout) for row in result.allocations if row.maker == "maker-0"
    }
    statistics = maker["markets"][0]["sessions"][0]["statistics"]
    assert statistics["counting_ms"] == 55_988
    assert isinstance(statistics["spread_bps"], float)
    assert statistics["credit"].isdigit()


def test_an_account_that_nobody_pays_and_no_tree_holds_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_engine("explain", VECTOR, "--account", NOBODY) == 2
    said = capsys.readouterr().err
    assert SENTENCE.fullmatch(said)
    assert "no maker is paid to this account in this epoch, and it is in no earlier tree" in said


def test_a_makers_own_address_is_sent_on_to_the_account_that_is_paid(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = evidence.read_inputs(VECTOR)
    address = next(address for address, maker in inputs.makers.items() if maker == "maker-1")
    assert run_engine("explain", VECTOR, "--account", address) == 2
    said = capsys.readouterr().err
    assert SENTENCE.fullmatch(said)
    assert f"maker-1 quotes from, which is paid to {inputs.payouts['maker-1'][0][0]}: ask for that." in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--account", "0x12"), "--account: 0x12 is not 0x and 40 hex digits."),
        (("--account", NOBODY, "--decimals", "99"), "--decimals: it has to be from 0 to 77."),
    ],
)
def test_options_out_of_range_are_one_sentence(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_engine("explain", VECTOR, *options) == 2
    assert capsys.readouterr().err == f"{said}\n"


def both_quote(**changes: Any) -> Inputs:
    rows = [
        *book(),
        (0, "place", place("mb", MAKER, "bid", 99_750, 300)),
        (0, "place", place("ma", MAKER, "ask", 100_250, 300)),
        (0, "place", place("rb", RIVAL, "bid", 99_750, 100)),
        (0, "place", place("ra", RIVAL, "ask", 100_250, 100)),
    ]
    return story(rows, **changes)


def told(inputs: Inputs, account: str, decimals: int | None = None) -> str:
    return "\n".join(Teller(decimals=decimals).lines(explain(inputs, account=account)))


def changed(inputs: Inputs, **changes: Any) -> Inputs:
    return Inputs(**{**{name: getattr(inputs, name) for name in Inputs.__dataclass_fields__}, **changes})


def test_an_account_that_two_makers_are_paid_to_gets_the_sum_and_both_are_told() -> None:
    text = told(both_quote(), ACCOUNT)
    # 599 of 600 s, three quarters and one quarter of the quoting pool of 175,000 tokens.
    rate = 7000 * 250_000 * 10**18 // 10_000
    share_of = {
        name: 2**30 * part // 4 * 599_000 * rate // (2**30 * 600_000) for name, part in (("maker", 3), ("rival", 1))
    }
    assert re.search(rf"added by this epoch +{sum(share_of.values()):,}\n", text)
    for name, amount in share_of.items():
        assert re.search(rf"\n{name} +100\.0000% +{amount:,} +{amount:,}\n", text)
        assert f"Maker {name}, quoting from 1 address." in text


def test_an_account_in_the_tree_whose_maker_is_gone_keeps_its_leaf_and_is_told_so() -> None:
    inputs = changed(both_quote(), previous=[(NOBODY, both_quote().terms.token, 77), (NOBODY, MAKER, 5)])
    text = told(inputs, NOBODY)
    assert re.search(r"in the tree before this epoch +77\nadded by this epoch +0\n.*claimed or not +77\n", text)
    assert f"It has a leaf of 5 of the token {MAKER} too, which this epoch does not pay." in text
    assert text.endswith("No maker is paid to this account in this epoch, so its leaf is what it was before.")


def test_an_amount_below_the_least_payout_is_told_to_be_carried() -> None:
    inputs = both_quote()
    document = inputs.terms.to_json() | {"min_payout": str(10**30)}
    terms = scoring_terms(document)
    text = told(changed(inputs, terms=terms, carried_in={"maker": 3}), ACCOUNT)
    assert "Nothing is added in this epoch; below is why." in text
    assert " and 3 carried in from before. " in text
    assert "is less than the least payout of 1,000,000,000,000,000,000,000,000,000,000, so it is carried" in text


def scoring_terms(document: dict[str, Any]) -> Any:
    return parse_terms(json.dumps(document).encode())


def test_the_uptime_gate_is_told_with_the_presence_that_it_saw() -> None:
    inputs = both_quote(presence_lots=200, min_uptime_bps=dict.fromkeys(KINDS, 5000))
    text = told(inputs, ACCOUNT)
    assert (
        "In regular sessions it was present for 0.000 of 600.000 s, less than 50.00%, so that quoting in them" in text
    )


def test_a_market_beyond_statistics_is_told_by_kinds_of_session_and_says_why_there_is_no_more() -> None:
    rows = [
        *book(),
        (0, "place", place("huge", MAKER, "bid", 99_500, 1 << 62)),
        (0, "place", place("b", MAKER, "bid", 99_750, 300)),
        (0, "place", place("a", MAKER, "ask", 100_250, 300)),
    ]
    inputs = story(rows)
    (market,) = explain(inputs, account=ACCOUNT).makers[0].markets
    assert market.no_statistics == "M: its lots are too many for statistics; its scores and payouts are not affected."
    assert market.quoting == sum(kind.quoting for kind in market.kinds) > 0
    assert f"There is no more to show by session: {market.no_statistics}" in told(inputs, ACCOUNT)


def test_whole_tokens_are_printed_with_six_places() -> None:
    assert "Amounts are in tokens of 10^18 smallest units" in told(both_quote(), ACCOUNT, decimals=18)
    assert re.search(r"\n  M +131,031\.250000 +", told(both_quote(), ACCOUNT, decimals=18))


def test_every_holder_of_a_vault_is_explained_to_the_unit(tmp_path: Path) -> None:
    through = 0
    for seed in range(12):
        epoch = write_vault_bundle(tmp_path / str(seed), seed)
        try:
            expected = score_reference(tmp_path / str(seed))
        except BrokenBundleError:
            continue
        inputs = evidence.read_inputs(tmp_path / str(seed))
        assert epoch.payouts
        for account in expected["increments"]:
            found = explain(inputs, account=account)
            check_sums(found, expected)
            for maker in found.makers:
                assert maker.amount == maker.direct + sum(part.held + part.dust for part in maker.vaults)
                through += len(maker.vaults)
    assert through > 50


def test_a_holder_reads_what_it_held_and_what_it_gets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quotes = [(0, "place", place(side, MAKER, side, price, 100)) for side, price in (("bid", 99_995), ("ask", 100_005))]
    evidence.write_inputs(tmp_path, story([*book(), *quotes]))
    (maker, account, _) = (tmp_path / "payouts.csv").read_text().splitlines()[1].split(",")
    holder, operator = "0x" + "7" * 40, "0x" + "8" * 40
    rows = "".join(f"{account},{each},{operator}\n" for each in (maker, "rival"))
    (tmp_path / "vaults.csv").write_text(f"vault,maker,operator\n{rows}")
    (tmp_path / "holders.csv").write_text(f"vault,account,weight\n{account},{holder},1000000\n")
    assert run_engine("explain", tmp_path, "--account", holder) == 0
    text = capsys.readouterr().out
    assert f"through the vault {account}, to the one holder of its shares." in text
    assert "The account held 1,000,000 of 1,000,000 share units times milliseconds in this epoch" in text
    assert run_engine("explain", tmp_path, "--account", operator) == 0
    assert "It is the vault's operator and gets what rounding left over: 0." in capsys.readouterr().out
    assert run_engine("explain", tmp_path, "--account", account) == 2
    assert "this is a vault" in capsys.readouterr().err
