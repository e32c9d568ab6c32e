"""Verification: a clean bundle agrees, and whatever else was published is found, by name and place."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.engine.breaks import rewrite
from tests.engine.published import (
    INPUTS,
    MANIFEST,
    MANIFEST_SUM,
    OUTPUTS,
    SENTENCE,
    refused,
    restore_hashes,
    run_engine,
    write_manifest,
)


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
        (lambda m: m.update(version=3), "only the versions 1 and 2 are known"),
        (lambda m: m.update(version=2), "it is 2 and files such as these are of version 1"),
        (lambda m: m.update(replaces=None), "replaces: the value is of the wrong type"),
        (lambda m: m.update(version=True), "version: the value is of the wrong type"),
        *(
            (lambda m, audit=audit: m.update(audit=audit), "audit: it has to hold sequence")
            for audit in (
                *(None, [], {}, {"sequence": 7}, {"sequence": 7, "hash": "0x" + "AB" * 32}),
                *({"sequence": 0, "hash": "0x" + "ab" * 32}, {"sequence": True, "hash": "0x" + "ab" * 32}),
                *({"sequence": "7", "hash": "0x" + "ab" * 32}, {"sequence": 7, "hash": "0x" + "ab" * 32, "more": 1}),
            )
        ),
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


def test_a_manifest_may_name_where_the_audit_log_stood_and_the_root_is_the_same(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_engine("verify", bundle) == 0
    before = capsys.readouterr().out.splitlines()
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["audit"] = {"sequence": 7, "hash": "0x" + "ab" * 32}
    write_manifest(bundle, manifest)
    assert run_engine("verify", bundle) == 0
    after = capsys.readouterr().out.splitlines()
    assert after[-1] == before[-1]
    assert f"audit log at entry 7, head 0x{'ab' * 32}" in after


def test_a_manifest_may_name_the_one_that_it_replaces(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    write_manifest(bundle, manifest | {"replaces": "0x" + "12" * 32})
    assert run_engine("verify", bundle) == 0
    assert capsys.readouterr().out.split()[-1] == manifest["root"]


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


@pytest.mark.parametrize("command", ["whatif BUNDLE --sweep budget=1..50", "verify BUNDLE"])
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
