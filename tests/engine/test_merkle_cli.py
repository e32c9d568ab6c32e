"""The command `tree` prints the root on its last line, and says in a sentence what is wrong in its input."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from rewards.engine import tree_cli
from rewards.engine.merkle import Tree, verify
from tests.engine.test_merkle import openzeppelin

ALICE = "0x" + "11" * 20
BOB = "0x" + "22" * 20
# github.com/OpenZeppelin/merkle-tree, README, "Quick Start"
README_VALUES = json.dumps([[ALICE, "5000000000000000000"], [BOB, "2500000000000000000"]])
README_ROOT = "0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"


def tree_command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    tree_cli.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["tree", *arguments])
    status: int = args.run(args)
    return status


@pytest.fixture
def values_file(tmp_path: Path) -> Path:
    path = tmp_path / "values.json"
    path.write_text(README_VALUES)
    return path


def test_the_root_is_the_last_line(values_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tree_command("--types", "address,uint256", str(values_file)) == 0
    assert capsys.readouterr().out == README_ROOT + "\n"


def test_the_whole_tree_is_written_where_asked_and_the_root_is_still_last(
    values_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tree.json"
    assert tree_command(str(values_file), "--types", "address, uint256", "--out", str(out)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == README_ROOT
    dump = json.loads(out.read_text())
    assert list(dump) == ["format", "leafEncoding", "tree", "values"]
    assert dump["tree"][0] == README_ROOT
    assert [entry["value"] for entry in dump["values"]] == json.loads(README_VALUES)


def test_openzeppelins_library_loads_the_file_and_its_own_verifier_accepts_every_proof(
    values_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tree.json"
    values = [[f"0x{number:040x}", f"0x{7 * number:064x}", str(2**256 - 1 - number)] for number in range(1, 24)]
    values_file.write_text(json.dumps(values))
    assert tree_command(str(values_file), "--types", "address,bytes32,uint256", "--out", str(out)) == 0
    [answer] = openzeppelin([{"load": json.loads(out.read_text())}])
    assert answer["verified"]
    assert answer["root"] == json.loads(out.read_text())["tree"][0]
    tree = Tree.load(json.loads(out.read_text()))
    assert tree.proofs() == answer["proofs"]
    assert all(
        verify(answer["root"], tree.types, value, proof) for value, proof in zip(values, answer["proofs"], strict=True)
    )


def test_integers_without_quotes_are_read_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "values.json"
    path.write_text(README_VALUES.replace('"5000000000000000000"', "5000000000000000000"))
    assert tree_command("--types", "address,uint256", str(path)) == 0
    assert capsys.readouterr().out == README_ROOT + "\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ("[[", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('"text"', "has to be a list"),
        ("{}", "has to be a list"),
        ("[]", "at least one leaf"),
        ("[1]", "value 0 has to be a list"),
        (f'[["{ALICE}"]]', "Value 0 cannot be a leaf: it is not a list of 2 values"),
        (f'[["{ALICE}", 1.5]]', "1.5 is not a whole number"),
        (f'[["{ALICE}", 1e18]]', "1e18 is not a whole number"),
        (f'[["{ALICE}", NaN]]', "NaN is not a whole number"),
        (f'[["{ALICE}", "-1"]]', "Value 0, column 1"),
        (f'[["{ALICE}", null]]', "Value 0, column 1"),
        ('[["0x12", "1"]]', "Value 0, column 0"),
        ("\udcff", "is not JSON"),
    ],
)
def test_values_that_are_none_are_one_clear_sentence_and_status_2(
    content: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "values.json"
    path.write_text(content, errors="surrogateescape")
    assert tree_command("--types", "address,uint256", str(path)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert printed.err.count("\n") == 1


def test_a_missing_file_an_unknown_type_and_an_unwritable_place_are_sentences_too(
    values_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree_command("--types", "address,uint256", str(tmp_path / "none.json")) == 2
    assert "none.json: it cannot be read (no such file or directory)." in capsys.readouterr().err
    assert tree_command("--types", "address,uint7", str(values_file)) == 2
    assert "'uint7' is not a type a leaf can have" in capsys.readouterr().err
    assert tree_command("--types", "address,uint256", str(values_file), "--out", str(tmp_path)) == 2
    assert "cannot be written: is a directory." in capsys.readouterr().err
