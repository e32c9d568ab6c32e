"""What-ifs pay what the second implementation pays by the same terms, and read the events no more than they must."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rewards.engine import bundle, grid, whatif
from rewards.engine.events import EventColumns
from rewards.engine.whatif import TriedTermsError
from tests.engine.published import SENTENCE, copy_inputs, run_engine
from tests.engine.random_epochs import write_random_bundle
from tests.engine.reference import score_reference
from tests.engine.reference_inputs import BrokenBundleError


def terms_of(directory: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((directory / "terms.json").read_text())
    return document


def write_terms(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")))
    return path


def answer_by_other_terms(directory: Path, document: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """What the second implementation answers for the same inputs with other terms."""
    shutil.copytree(directory, scratch)
    write_terms(scratch / "terms.json", document)
    answer = score_reference(scratch)
    shutil.rmtree(scratch)
    return answer


def printed_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert run_engine("whatif", *arguments, "--json") == 0
    out: dict[str, Any] = json.loads(capsys.readouterr().out)
    return out


def payouts(answer: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(maker, m): amount for m, of in answer["markets"].items() for maker, amount in of.items()}


@pytest.mark.parametrize("seed", [3, 4, 11, 23, 31, 42, 57, 64])
def test_both_sides_of_a_comparison_are_what_the_second_implementation_pays(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "epoch"
    write_random_bundle(directory, seed)
    other = terms_of(directory)
    other |= {"unspent": "redistribute", "budget": "987654321987654321", "min_payout": "10"}
    for market in other["markets"].values():
        market |= {"target_lots": 77, "two_sided_divisor": 2, "curve": {"kind": "linear"}, "max_share_bps": 6000}
    try:
        before = score_reference(directory)
        after = answer_by_other_terms(directory, other, tmp_path / "scratch")
    except BrokenBundleError:
        pytest.fail("the seed has to be one of an epoch that is not broken")
    printed = printed_json(capsys, directory, "--terms", write_terms(tmp_path / "other.json", other))
    for side, answer in (("before", before), ("after", after)):
        shown = {(row["maker"], row["market"]): row[side] for row in printed["rows"] if row[side] != "0"}
        assert shown == payouts(answer)
        assert printed["totals"]["unspent"][side] == str(answer["unspent"])
        assert int(printed["totals"]["paid"][side]) == sum(int(each) for each in answer["paid"].values())
        assert int(printed["totals"]["carried_out"][side]) == sum(map(int, answer["carried_out"].values()))
    for row in [*printed["rows"], *printed["makers"], *printed["totals"].values()]:
        assert int(row["after"]) - int(row["before"]) == int(row["difference"])


def test_every_point_of_a_grid_pays_what_the_second_implementation_pays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    sweep = ("--sweep", "markets.*.target_lots=10..70/30", "--sweep", "boosts.weekend=0,400")
    printed = printed_json(capsys, directory, *sweep)
    assert printed["parameters"] == ["markets.*.target_lots", "boosts.weekend"]
    grid_values = [tuple(point["values"]) for point in printed["points"]]
    assert grid_values == list(itertools.product(("10", "40", "70"), ("0", "400")))
    for point, (target_lots, weekend) in zip(printed["points"], grid_values, strict=True):
        document = terms_of(directory)
        document["boosts"]["weekend"] = int(weekend)
        for market in document["markets"].values():
            market["target_lots"] = int(target_lots)
        answer = answer_by_other_terms(directory, document, tmp_path / "scratch")
        assert {m: row["paid"] for m, row in point["makers"].items() if row["paid"] != "0"} == answer["paid"]
        assert point["unspent"] == str(answer["unspent"])
        assert point["paid_makers"] == len(answer["paid"])
        earned: dict[str, int] = {}
        for (maker, _), amount in payouts(answer).items():
            earned[maker] = earned.get(maker, 0) + int(amount)
        assert {m: int(row["earned"]) for m, row in point["makers"].items() if row["earned"] != "0"} == earned
        assert earned[point["largest_share"]["maker"]] == max(earned.values())
        assert point["largest_share"]["bps"] == max(earned.values()) * 10_000 // sum(earned.values())


def test_a_sweep_may_start_from_other_terms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    other = terms_of(directory) | {"budget": "1000", "min_payout": "0"}
    path = write_terms(tmp_path / "other.json", other)
    point = printed_json(capsys, directory, "--terms", path, "--sweep", "unspent=redistribute")["points"][0]
    other["unspent"] = "redistribute"
    assert point["unspent"] == str(answer_by_other_terms(directory, other, tmp_path / "scratch")["unspent"])
    assert point["budget"] == "1000"


def test_terms_of_another_epoch_are_tried_on_the_bundles_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    other = terms_of(directory) | {
        "epoch": {"number": 4_000, "start_ms": 5, "end_ms": 6},
        "token": "0x" + "9" * 40,
        "program": "another",
    }
    printed = printed_json(capsys, directory, "--terms", write_terms(tmp_path / "next.json", other))
    assert all(row["difference"] == "0" for row in printed["rows"])
    said = " ".join(printed["notes"])
    assert "next.json is of epoch 4000, 5 to 6 ms; its epoch is left aside" in said
    assert "next.json is of the programme another" in said
    assert "another token (0x" + "9" * 40 in said
    assert run_engine("whatif", directory, "--terms", tmp_path / "next.json") == 0
    assert capsys.readouterr().out.splitlines()[: len(printed["notes"])] == printed["notes"]


def test_a_market_that_only_one_of_the_terms_has_pays_nothing_by_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    other = terms_of(directory)
    name = next(iter(other["markets"]))
    other["markets"]["NEW-PERP"] = other["markets"].pop(name)
    rows = printed_json(capsys, directory, "--terms", write_terms(tmp_path / "o.json", other))["rows"]
    assert {row["after"] for row in rows if row["market"] == name} == {"0"}
    assert not [row for row in rows if row["market"] == "NEW-PERP"]


def test_a_maker_without_payout_account_may_win_in_a_what_if(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    document = terms_of(directory) | {"min_payout": str(10**40)}  # nobody is paid, so nobody needs an account
    write_terms(directory / "terms.json", document)
    (directory / "payouts.csv").write_text("maker,account,share_ppm\n")
    printed = printed_json(capsys, directory, "--sweep", "min_payout=0")
    assert printed["base"]["paid_makers"] == 0
    assert printed["points"][0]["paid_makers"] > 0


def counted(directory: Path, passes: list[int]) -> Iterator[EventColumns]:
    passes.append(1)
    yield from bundle.read_events(directory, batch_rows=100)


def test_a_grid_reads_the_events_once_and_replays_only_rules_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    inputs = bundle.read_static(directory)
    replayed: list[str] = []
    original = whatif.MarketScorer

    def counting(**options: Any) -> whatif.MarketScorer:
        replayed.append(options["market"])
        return original(**options)

    monkeypatch.setattr(whatif, "MarketScorer", counting)
    first = next(iter(inputs.terms.markets))
    sweeps = [f"markets.{first}.target_lots=11,12", "budget+boosts.*+markets.*.max_share_bps=" + ",".join(
        f"{n}000+{n}0+{n}000" for n in range(1, 10)
    )]  # fmt: skip
    points = grid.points(terms=inputs.terms, parameters=[grid.parse_parameter(text) for text in sweeps])
    assert len(points) == 18
    passes: list[int] = []
    variants = {"base": inputs.terms} | {point.label: point.terms for point in points}
    outcomes = whatif.try_terms(inputs=inputs, variants=variants, batches=lambda: counted(directory, passes))
    assert len(passes) == 1
    assert sorted(replayed) == sorted([*inputs.terms.markets, first, first])
    monkeypatch.setattr(whatif, "MOST_AT_ONCE", 2)
    again = whatif.try_terms(inputs=inputs, variants=variants, batches=lambda: counted(directory, passes))
    assert len(passes) > 2
    assert again == outcomes


@pytest.mark.parametrize(
    ("sweeps", "says"),
    [
        (["target_lots"], "target_lots: it has to be PATH=VALUE"),
        (["=1"], "=1: it has to be PATH=VALUE"),
        (["budget="], "budget=: it has to be PATH=VALUE"),
        (["markets.*.target=1"], "markets.*.target: the terms have no such key"),
        (["markets.NONE.target_lots=1"], "markets.NONE.target_lots: the terms have no such key"),
        (["markets=1"], "markets: it is not a single value"),
        (["markets.*.curve=linear"], "markets.*.curve: it is not a single value"),
        (["epoch.end_ms=1"], "epoch.end_ms: no such key of the terms can be swept"),
        (["token=0x00"], "token: no such key of the terms can be swept"),
        (["boosts.weekend=-1"], "boosts.weekend: '-1' is not a whole number"),
        (["boosts.weekend=1.5"], "boosts.weekend: '1.5' is not a whole number"),
        (["boosts.weekend=1,,2"], "boosts.weekend=1,,2: '' has to be 1 values"),
        (["boosts.weekend=10001"], "boosts.weekend=10001: boosts.weekend: it is 10001 and has to be from 0 to 10000"),
        (["boosts.weekend=7..5"], "'7..5' leads nowhere"),
        (["boosts.weekend=1..5/0"], "'1..5/0' leads nowhere"),
        (["boosts.weekend=1..99999999999"], "has more than 10000 values"),
        (["boosts.weekend=1,1"], "boosts.weekend=1,1: it has a value twice"),
        (["budget=1..200", "boosts.weekend=1..200"], "the grid has 40000 points, and 10000 are the most"),
        (["budget=1", "budget=2"], "budget: it is swept twice"),
        (["budget=1", "min_payout=1", "boosts.pre=1"], "at most 2 parameters"),
        (["budget+min_payout=1"], "'1' has to be 2 values with + between"),
        (["budget+min_payout=1..5"], "paths that move together need their values one by one"),
        (["unspent=burn"], "unspent=burn: unspent: it has to be one of return, redistribute"),
        (["markets.*.quoting_share_bps=1"], "the quoting, fills and stress shares sum to"),
        (["markets.*.target_lots=9999999999999"], "markets.*.target_lots=9999999999999: "),
        ([], "whatif: it needs --terms OTHER.json, --sweep PARAM=VALUES or both"),
    ],
)
def test_a_sweep_that_cannot_be_is_a_sentence_and_status_2(
    sweeps: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [option for text in sweeps for option in ("--sweep", text)]
    assert run_engine("whatif", copy_inputs(tmp_path / "epoch"), *options) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert SENTENCE.fullmatch(printed.err)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "the file is missing"),
        ("{", "not JSON"),
        ('{"version":1}', "the key is missing"),
        ('{"version":1,"version":1}', "version: the key is there twice"),
    ],
)
def test_other_terms_that_are_none_are_a_sentence_that_names_their_file(
    content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "terms.json"
    if content is not None:
        path.write_text(content)
    assert run_engine("whatif", copy_inputs(tmp_path / "epoch"), "--terms", path) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.startswith(f"{path}: "), says in printed.err) == ("", True, True)
    assert SENTENCE.fullmatch(printed.err)


def test_a_path_finds_a_market_whose_name_has_dots(tmp_path: Path) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    document = terms_of(directory)
    rule = next(iter(document["markets"].values())) | {"weight_bps": 100}
    document["markets"] = {"brk": rule, "brk.b": rule, "a.b.c": rule}
    write_terms(directory / "terms.json", document)
    terms = bundle.read_static(directory).terms
    for path, changed in (
        ("markets.brk.b.target_lots", {"brk.b"}),
        ("markets.brk.target_lots", {"brk"}),
        ("markets.a.b.c.target_lots", {"a.b.c"}),
        ("markets.*.target_lots", {"brk", "brk.b", "a.b.c"}),
        ("markets.*.max_spread_bps.*", {"brk", "brk.b", "a.b.c"}),
    ):
        [point] = grid.points(terms=terms, parameters=[grid.parse_parameter(f"{path}=4321")])
        assert {name for name in terms.markets if terms.markets[name] != point.terms.markets[name]} == changed


def test_ranges_and_separators_are_read_as_they_look() -> None:
    assert grid.parse_parameter("budget=1_000,5..7,10..100/45").values == (
        ("1_000",), ("5",), ("6",), ("7",), ("10",), ("55",), ("100",),
    )  # fmt: skip
    assert grid.parse_parameter("a+b=1+2,3+4").values == (("1", "2"), ("3", "4"))
    with pytest.raises(TriedTermsError, match="'_1' is not a whole number"):
        grid.parse_parameter("budget=_1..5")


def test_the_tables_for_people_are_aligned_and_say_what_their_amounts_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copy_inputs(tmp_path / "epoch")
    other = write_terms(tmp_path / "o.json", terms_of(directory) | {"budget": "1000000"})
    assert run_engine("whatif", directory, "--terms", other, "--decimals", "6") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "before by the bundle's own terms, after by o.json. Amounts are in tokens of 10^6" in lines[0]
    [budget] = [line for line in lines if line.startswith("budget")]
    assert " 1.000000 " in budget
    assert run_engine("whatif", directory, "--sweep", "budget=1_000_000,5", "--decimals", "78") == 2
    assert capsys.readouterr().err == "--decimals: it has to be from 0 to 77.\n"
    assert run_engine("whatif", directory, "--sweep", "budget=1_000_000,5") == 0
    heading, *rows = capsys.readouterr().out.splitlines()[2:]
    assert heading[:9] == "   budget"
    assert [row[:9] for row in rows] == [" (bundle)", "1_000_000", "        5"]
    ends = {row.rindex("%") for row in rows if "%" in row}
    assert ends == {heading.rindex("e")}  # the last letter of "largest share"
