"""A broken bundle is one sentence that names the file, and exit status 2, by every command that reads bundles."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet
import pytest

from tests.engine.published import INPUTS, OUTPUTS, SENTENCE, copy_inputs, publish, run_engine

Break = Callable[[Path], object]
SWEEP = ("--sweep", "min_payout=0")
MANIFEST, MANIFEST_SUM = "manifest.json", "manifest.sha256"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean bundle that nobody changes."""
    return publish(tmp_path_factory.mktemp("clean") / "bundle")


@pytest.fixture
def bundle(clean: Path, tmp_path: Path) -> Path:
    """A whole bundle of its own for the test."""
    return Path(shutil.copytree(clean, tmp_path / "bundle"))


def rewrite(name: str, change: Callable[[str], str]) -> Break:
    """A break that changes a text file, which it has to change."""

    def broken(bundle: Path) -> None:
        before = (bundle / name).read_text("utf-8")
        after = change(before)
        assert after != before
        (bundle / name).write_text(after, "utf-8")

    return broken


def change_terms(change: Callable[[dict[str, Any]], object]) -> Break:
    """A break that changes the terms' document."""

    def changed(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    return rewrite("terms.json", changed)


def change_market(**changes: Any) -> Break:
    """A break that changes the first market's terms."""
    return change_terms(lambda terms: next(iter(terms["markets"].values())).update(changes))


def first_row(text: str) -> str:
    return text.splitlines()[1]


def upper_address(text: str) -> str:
    address = first_row(text).partition(",")[0]
    return text.replace(address, "0x" + address[2:].upper())


def shift(text: str, by_ms: int) -> str:
    """Let the second session start earlier or later."""
    lines = text.splitlines()
    start, end, kind = lines[2].split(",")
    lines[2] = f"{int(start) + by_ms},{end},{kind}"
    return "\n".join(lines) + "\n"


def truncate(bundle: Path) -> None:
    path = bundle / "events.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_column(bundle: Path) -> None:
    path = bundle / "events.parquet"
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.drop_columns(["taker"]), path)


def mixed_case_event(bundle: Path) -> None:
    path = bundle / "events.parquet"
    rows = pyarrow.parquet.read_table(path)
    place = next(row for row in rows.to_pylist() if row["address"])["address"]
    addresses = [each and each.replace(place, "0x" + place[2:].upper()) for each in rows.column("address").to_pylist()]
    column = rows.column_names.index("address")
    pyarrow.parquet.write_table(rows.set_column(column, "address", pyarrow.array(addresses)), path)


def event_twice(bundle: Path) -> None:
    path = bundle / "events.parquet"
    rows = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(pyarrow.concat_tables([rows.slice(0, 1), rows]), path)


def replace_by(name: str, make: Callable[[Path], object]) -> Break:
    """A break that puts something else in a file's place."""

    def broken(bundle: Path) -> None:
        (bundle / name).unlink()
        make(bundle / name)

    return broken


def remove(name: str) -> Break:
    return lambda bundle: (bundle / name).unlink()


BROKEN_INPUTS: dict[str, tuple[str, Break, str]] = {
    **{f"{name} is missing": (name, remove(name), "missing") for name in INPUTS},
    "terms that are no JSON": ("terms.json", rewrite("terms.json", lambda text: text[:-1]), "not JSON"),
    "terms with an unknown key": ("terms.json", change_terms(lambda t: t.update(bonus=1)), "bonus: the key is unknown"),
    "terms with an unknown key of a market": ("terms.json", change_market(bonus=1), "bonus: the key is unknown"),
    "terms with a duplicate key": (
        "terms.json", rewrite("terms.json", lambda text: text.replace("{", '{"budget":"1",', 1)),
        "budget: the key is there twice",
    ),
    "terms without a key": ("terms.json", change_terms(lambda t: t.pop("budget")), "budget: the key is missing"),
    "terms with a value out of range": ("terms.json", change_market(max_share_bps=10_001), "it is 10001"),
    "terms with a fraction": (
        "terms.json", rewrite("terms.json", lambda text: text.replace('"version":1', '"version":1.0')),
        "1.0 is not a whole number",
    ),
    "terms whose shares do not sum": (
        "terms.json", change_market(quoting_share_bps=1, fills_share_bps=1, stress_share_bps=1), "sum to 3 bps",
    ),
    "terms nested too deep": ("terms.json", rewrite("terms.json", lambda text: "[" * 10_000), "nested"),
    "sessions with a hole": ("sessions.csv", rewrite("sessions.csv", lambda text: shift(text, 1)), "a hole"),
    "sessions that overlap": ("sessions.csv", rewrite("sessions.csv", lambda text: shift(text, -1)), "overlaps"),
    "sessions that end before the epoch does": (
        "sessions.csv", rewrite("sessions.csv", lambda text: "\n".join(text.splitlines()[:-1]) + "\n"), "ends at",
    ),
    "sessions of an unknown kind": (
        "sessions.csv", rewrite("sessions.csv", lambda text: text + "1,2,lunch\n"), "unknown kind",
    ),
    "no sessions": ("sessions.csv", rewrite("sessions.csv", lambda text: text.splitlines()[0] + "\n"), "none"),
    "a table without its heading": (
        "makers.csv", rewrite("makers.csv", lambda text: text.partition("\n")[2]), "the first line has to be",
    ),
    "a row that is too short": ("makers.csv", rewrite("makers.csv", lambda text: text + "0x1\n"), "has to hold 2"),
    "a table that is not UTF-8": (
        "makers.csv", lambda bundle: (bundle / "makers.csv").write_bytes(b"address,maker\n\xff,x\n"), "UTF-8",
    ),
    "an address twice": (
        "makers.csv", rewrite("makers.csv", lambda text: text + first_row(text) + "\n"), "is there twice",
    ),
    "an address in mixed case": ("makers.csv", rewrite("makers.csv", upper_address), "lower-case"),
    "a maker without a name": (
        "makers.csv", rewrite("makers.csv", lambda text: text + "0x" + "9" * 40 + ",\n"), "without a name",
    ),
    "a maker without a payout account": (
        "payouts.csv", rewrite("payouts.csv", lambda text: text.splitlines()[0] + "\n"), "no payout account",
    ),
    "payout shares that do not sum": (
        "payouts.csv", rewrite("payouts.csv", lambda text: text + first_row(text) + "\n"), "ppm instead of 1000000",
    ),
    "a payout account that is none": (
        "payouts.csv", rewrite("payouts.csv", lambda text: text + "nobody,0xABC,1000000\n"), "lower-case hex digits",
    ),
    "a maker that carries twice": (
        "carried_in.csv", rewrite("carried_in.csv", lambda text: text + "nobody,1\nnobody,2\n"), "is there twice",
    ),
    "a carried amount that is none": (
        "carried_in.csv", rewrite("carried_in.csv", lambda text: text + "nobody,1e18\n"), "not a whole number",
    ),
    "a previous tree with a leaf twice": (
        "previous_cumulative.json",
        rewrite("previous_cumulative.json", lambda text: json.dumps([json.loads(text)[0]] * 2)), "is there twice",
    ),
    "a previous tree that is no list": (
        "previous_cumulative.json", rewrite("previous_cumulative.json", lambda text: "{}"), "has to be a list",
    ),
    "a previous tree with an address in mixed case": (
        "previous_cumulative.json",
        rewrite("previous_cumulative.json", lambda text: json.dumps([["0x" + "A" * 40, "0x" + "a" * 40, "1"]])),
        "lower-case hex digits",
    ),
    "Parquet that ends early": ("events.parquet", truncate, "not whole Parquet"),
    "Parquet that is none": (
        "events.parquet", lambda bundle: (bundle / "events.parquet").write_bytes(b""), "not whole Parquet",
    ),
    "events without a column": ("events.parquet", drop_column, "the column taker"),
    "an event's address in mixed case": ("events.parquet", mixed_case_event, "not lower-case hex"),
    "an event that is there twice": ("events.parquet", event_twice, "log index"),
    "a link to itself": ("terms.json", replace_by("terms.json", lambda p: p.symlink_to(p)), "cannot be read"),
    "a link that leads nowhere": (
        "previous_cumulative.json", replace_by("previous_cumulative.json", lambda p: p.symlink_to("gone")), "nowhere",
    ),
    "a link to an endless device": (
        "makers.csv", replace_by("makers.csv", lambda p: p.symlink_to("/dev/zero")), "it is not a file",
    ),
    "a pipe": ("events.parquet", replace_by("events.parquet", os.mkfifo), "it is not a file"),
    "a folder": ("payouts.csv", replace_by("payouts.csv", lambda p: p.mkdir()), "it is not a file"),
}  # fmt: skip


def refused(capsys: pytest.CaptureFixture[str], file: str, *says: str) -> None:
    """Nothing but one sentence, which names the file, was printed."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert SENTENCE.fullmatch(printed.err), printed.err
    assert printed.err.startswith(f"{file}: "), printed.err
    assert all(word in printed.err for word in says), printed.err


def restore_hashes(bundle: Path) -> None:
    """Let the manifest name the files as they are now, as a careless or dishonest publisher would."""
    manifest = json.loads((bundle / MANIFEST).read_text())
    for name in manifest["files"]:
        if (bundle / name).is_file():
            manifest["files"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
    write_manifest(bundle, manifest)


def write_manifest(bundle: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest and its check sum."""
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (bundle / MANIFEST).write_bytes(raw)
    (bundle / MANIFEST_SUM).write_text(f"{hashlib.sha256(raw).hexdigest()}  {MANIFEST}\n")


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


@pytest.mark.parametrize("name", [*INPUTS, *OUTPUTS, "previous_cumulative.json", MANIFEST])
def test_verification_misses_every_file(name: str, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / name).unlink()
    assert run_engine("verify", bundle) == 2
    refused(capsys, name, "missing")


@pytest.mark.parametrize("name", [*INPUTS, *OUTPUTS, "previous_cumulative.json"])
def test_verification_notices_a_file_under_another_name(
    name: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / name).rename(bundle / f"{name}.old")
    assert run_engine("verify", bundle) == 2
    refused(capsys, f"{name}.old", "manifest.json does not name it")


def test_verification_refuses_a_file_that_the_manifest_does_not_name(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / "note.txt").write_text("hello")
    assert run_engine("verify", bundle) == 2
    refused(capsys, "note.txt", "manifest.json does not name it")
    (bundle / "note.txt").rename(bundle / "two\nlines")
    assert run_engine("verify", bundle) == 2
    refused(capsys, r"two\nlines")


def test_a_name_with_an_end_of_line_or_a_terminals_command_stays_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = copy_inputs(tmp_path / "bundle")
    addresses = [line.partition(",")[0] for line in (bundle / "makers.csv").read_text().splitlines()[1:]]
    rows = [f'{each},"two\nlines\x1b[2J"\n' for each in addresses]
    (bundle / "makers.csv").write_text("address,maker\n" + "".join(rows))
    assert run_engine("score", bundle) == 2
    refused(capsys, "payouts.csv", r"two\nlines\x1b[2J", "no payout account")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", ".", "", "nul\0byte"])
def test_a_manifest_that_names_something_outside_the_bundle_is_refused(
    name: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    (bundle.parent / "secret").write_text("not of the bundle")
    manifest["files"][name] = hashlib.sha256(b"not of the bundle").hexdigest()
    write_manifest(bundle, manifest)
    assert run_engine("verify", bundle) == 2
    refused(capsys, MANIFEST, "is not the name of a file of the bundle")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(files={}), "terms.json: manifest.json does not name it"),
        (lambda m: m.update(files=[]), "files: the value is of the wrong type"),
        (lambda m: m["files"].update({"terms.json": None}), "manifest.json says None"),
        (lambda m: m["files"].update({"gone.csv": "00"}), "gone.csv: the file is missing"),
        (lambda m: m["files"].update({"n" * 300: "00"}), "cannot be read"),
        (lambda m: m.pop("root"), "root: the key is missing"),
        (lambda m: m.update(extra=1), "extra: the key is unknown"),
        (lambda m: m.update(version=2), "only version 1 is known"),
        (lambda m: m.update(version=True), "version: the value is of the wrong type"),
    ],
)
def test_a_manifest_that_says_something_impossible_is_refused(
    change: Callable[[dict[str, Any]], object], says: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    change(manifest)
    write_manifest(bundle, manifest)
    assert run_engine("verify", bundle) == 2
    printed = capsys.readouterr().err
    assert SENTENCE.fullmatch(printed)
    assert says in printed


def test_a_manifest_that_is_not_canonical_or_not_its_check_sums_is_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / MANIFEST).write_text((bundle / MANIFEST).read_text().replace(":", ": ", 1))
    assert run_engine("verify", bundle) == 2
    refused(capsys, MANIFEST, "not canonical JSON")
    (bundle / MANIFEST).write_text((bundle / MANIFEST).read_text().replace(": ", ":", 1))
    (bundle / MANIFEST_SUM).write_text("0" * 64 + "  manifest.json\n")
    assert run_engine("verify", bundle) == 2
    refused(capsys, MANIFEST, MANIFEST_SUM)


def test_terms_that_are_not_canonical_are_refused_although_their_hash_is_right(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite("terms.json", lambda text: text.replace(":", ": ", 1))(bundle)
    restore_hashes(bundle)
    assert run_engine("verify", bundle) == 2
    refused(capsys, "terms.json", "not canonical JSON")


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_its_inputs_do_not_give_is_named_with_its_place_and_status_1(
    name: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(name, lambda text: text.replace("1", "2", 1) if name == "tree.json" else text + "x,1\n")(bundle)
    restore_hashes(bundle)
    assert run_engine("verify", bundle) == 1
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith(f"{name}, ")
    assert "published" in said
    assert "computed" in said


@pytest.mark.parametrize("key", ["root", "previous_root", "program", "epoch"])
def test_a_manifest_that_says_other_than_its_inputs_is_status_1(
    key: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest[key] = 98_765 if key == "epoch" else "0xbad"
    write_manifest(bundle, manifest)
    assert run_engine("verify", bundle) == 1
    assert capsys.readouterr().out.startswith(f"{MANIFEST}, {key}: published {manifest[key]}, computed ")


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


@pytest.mark.parametrize("broken", [None, "events.parquet", MANIFEST])
def test_a_real_process_gives_the_same_statuses_and_no_traceback(broken: str | None, bundle: Path) -> None:
    if broken:
        (bundle / broken).write_bytes(b"\0")
    run = subprocess.run([sys.executable, "-m", "rewards.engine", "verify", bundle], capture_output=True, text=True)
    if broken is None:
        root = json.loads((bundle / MANIFEST).read_text())["root"]
        assert (run.returncode, run.stderr, run.stdout.splitlines()[-1]) == (0, "", root)
    else:
        assert (run.returncode, run.stdout) == (2, "")
        assert SENTENCE.fullmatch(run.stderr)
        assert run.stderr.startswith(f"{broken}: ")


@pytest.mark.parametrize("command", ["whatif BUNDLE --sweep budget=1..3000", "score BUNDLE", "verify BUNDLE"])
def test_a_reader_that_goes_away_early_is_no_traceback_and_no_success(command: str, bundle: Path) -> None:
    line = f"set -o pipefail; {sys.executable} -m rewards.engine {command.replace('BUNDLE', str(bundle))} | true"
    run = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (141, "", "")


def test_a_clean_bundle_agrees(clean: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_engine("verify", clean) == 0
    said = capsys.readouterr()
    manifest = (clean / MANIFEST).read_bytes()
    assert said.err == ""
    assert said.out.splitlines() == [
        "all files, scores, allocations and the tree agree",
        "manifest hash 0x" + hashlib.sha256(manifest).hexdigest(),
        json.loads(manifest)["root"],
    ]


def test_a_bundle_whose_files_are_links_to_good_ones_agrees(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    for path in clean.iterdir():
        (tmp_path / "links" / path.name).symlink_to(path)
    assert run_engine("verify", tmp_path / "links") == 0


def test_200_bundles_with_one_byte_changed_are_all_refused_by_name(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = Random(3)
    names = sorted(path.name for path in bundle.iterdir())
    assert {*INPUTS, *OUTPUTS, "previous_cumulative.json", MANIFEST, MANIFEST_SUM} == set(names)
    changed = set()
    for _ in range(200):
        path = bundle / rng.choice(names)
        whole = path.read_bytes()
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ rng.randint(1, 255)]) + whole[at + 1 :])
        status = run_engine("verify", bundle)
        printed = capsys.readouterr()
        said = printed.err if status == 2 else printed.out.splitlines()[0] + "\n"
        assert status in (1, 2), (path.name, at)
        assert path.name in said, (path.name, at, said)
        assert SENTENCE.fullmatch(said), (path.name, at, said)
        path.write_bytes(whole)
        changed.add(path.name)
    assert changed == set(names)
    assert run_engine("verify", bundle) == 0


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
