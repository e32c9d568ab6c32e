"""A broken input is one sentence that names the file, and exit status 2, by every command that reads bundles."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.engine.breaks import BROKEN_INPUTS
from tests.engine.published import SENTENCE, copy_inputs, refused, restore_hashes, run_engine

SWEEP = ("--sweep", "min_payout=0")


@pytest.mark.parametrize("name", BROKEN_INPUTS)
def test_a_broken_input_is_a_sentence_and_status_2(
    name: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, spoil, says = BROKEN_INPUTS[name]
    spoil(bundle)
    assert run_engine("score", bundle, "--out", tmp_path / "out") == 2
    refused(capsys, file, says)
    assert not (tmp_path / "out").exists()
    assert run_engine("whatif", bundle, *SWEEP) == 2
    refused(capsys, file, says)
    assert run_engine("verify", bundle) == 2
    refused(capsys, file)  # its hash is wrong before anything else is
    if (bundle / file).is_file():
        restore_hashes(bundle)
        assert run_engine("verify", bundle) == 2
        refused(capsys, file, says)


def test_a_name_with_an_end_of_line_or_a_terminals_command_stays_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = copy_inputs(tmp_path / "bundle")
    addresses = [line.partition(",")[0] for line in (bundle / "makers.csv").read_text().splitlines()[1:]]
    rows = [f'{each},"two\nlines\x1b[2J"\n' for each in addresses]
    (bundle / "makers.csv").write_text("address,maker\n" + "".join(rows))
    assert run_engine("score", bundle) == 2
    refused(capsys, "payouts.csv", r"two\nlines\x1b[2J", "no payout account")


@pytest.mark.parametrize("command", [("score",), ("verify",), ("whatif", *SWEEP)])
def test_a_place_that_is_no_bundle_is_a_sentence_that_names_it(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    packed, loop = tmp_path / "epoch.tar.zst", tmp_path / "loop"
    packed.write_bytes(b"packed")
    loop.symlink_to(loop)
    for place, says in ((tmp_path / "none", "no such directory"), (packed, "not a directory"), (loop, "cannot be")):
        assert run_engine(name, place, *options) == 2
        refused(capsys, str(place), says)


@pytest.mark.parametrize("command", [("score",), ("verify",), ("whatif", *SWEEP)])
def test_a_directory_that_may_not_be_read_is_a_sentence_that_names_it(
    command: tuple[str, ...], bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    bundle.chmod(0)
    root = os.geteuid() == 0
    if root:  # root may read everything, so the command runs as nobody
        os.seteuid(65_534)
    try:
        assert run_engine(name, bundle, *options) == 2
    finally:
        if root:
            os.seteuid(0)
        bundle.chmod(0o700)
    refused(capsys, str(bundle), "permission denied")


def test_outputs_that_cannot_be_written_are_a_sentence_that_names_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = copy_inputs(tmp_path / "bundle")
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "out" / "scores.csv").mkdir(parents=True)
    for out, path in (("file", "file"), ("file/out", "file/out"), ("out", "out/scores.csv")):
        assert run_engine("score", bundle, "--out", tmp_path / out) == 2
        printed = capsys.readouterr()
        assert SENTENCE.fullmatch(printed.err)
        assert printed.err.startswith(f"{tmp_path / path} cannot be written: ")
        assert printed.out == ""


def test_damaged_parquet_is_scored_or_refused_in_a_sentence_and_never_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy_inputs(tmp_path / "bundle") / "events.parquet"
    whole, rng, statuses = path.read_bytes(), Random(1), set()
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= rng.randint(1, 255)
        path.write_bytes(damaged)
        status = run_engine("score", path.parent)
        said = capsys.readouterr().err
        assert said == "" if status == 0 else SENTENCE.fullmatch(said), said
        assert status == 0 or said.startswith("events.parquet: "), said
        statuses.add(status)
    assert statuses == {0, 2}  # some bytes of a file's footer tell nothing that a reader needs
