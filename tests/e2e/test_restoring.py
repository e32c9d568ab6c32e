"""A backup restored on an empty machine goes on to the same next root; a broken one is refused before it is used."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from config.embedded.layout import socket_dir

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, str(REPOSITORY / "tests" / "e2e" / "restoring.py")]
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A service that was backed up with epoch 1 approved and epoch 2 begun, and has scored epoch 2 since."""
    root = tmp_path_factory.mktemp("restoring")
    program = subprocess.Popen(
        [*PROGRAM, "original", str(root / "original"), str(root / "backups")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    lines = []
    for line in program.stdout:
        lines.append(line)
        if line.startswith("{"):
            break
    assert lines, "the original ended without a word"
    yield json.loads(lines[-1]) | {"root_dir": root, "said": "".join(lines)}
    program.communicate("")
    assert program.returncode == 0


def rows(original) -> list[tuple]:
    """Everything that the original's audit log and epochs say."""
    where = str(socket_dir(original["root_dir"] / "original"))
    with psycopg.connect(host=where, user="postgres", dbname="lamplight") as session:
        log = session.execute("SELECT sequence, hash FROM audit_auditentry ORDER BY sequence").fetchall()
        return log + session.execute("SELECT number, state, root FROM rewards_epoch ORDER BY number").fetchall()


def test_a_backup_restored_on_an_empty_machine_goes_on_to_the_same_next_root(original):
    machine = original["root_dir"] / "empty machine"
    done = subprocess.run(
        [*PROGRAM, "restored", str(machine), original["backup"], original["chain"]],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    came_out = json.loads(done.stdout.splitlines()[-1])
    assert came_out["states"] == {"1": "approved", "2": "live"}
    assert (came_out["root"], came_out["paid"], came_out["leaves"]) == (
        original["root"], original["paid"], original["leaves"],
    )  # fmt: skip
    # The restored one made the first epoch pay and proposed the second; the contract holds the root that both found.
    assert (came_out["first"], came_out["on_chain"]) == ("active", True)
    assert sorted(path.name for path in (machine / "evidence").iterdir())[0].startswith("perps-1-")


def test_the_manifest_s_digest_is_what_the_command_printed(original):
    content = (Path(original["backup"]) / "manifest.json").read_bytes()
    assert f"SHA-256 of its manifest: {hashlib.sha256(content).hexdigest()}" in original["said"]


def test_a_backup_holds_no_key(original):
    names = {path.name for path in Path(original["backup"]).rglob("*") if path.is_file()}
    assert "manifest.json" in names
    assert not [name for name in names if "key" in name.lower()]


def test_a_database_with_something_in_it_is_refused_and_stays_as_it_is(original):
    before = rows(original)
    home = original["root_dir"] / "original"
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", original["backup"]], cwd=REPOSITORY, capture_output=True, text=True,
        check=False, env={**os.environ, "LAMPLIGHT_DATA_DIR": str(home), "RPC_URLS": original["chain"],
                          "EVIDENCE_DIR": str(home / "new" / "evidence"), "PROOFS_DIR": str(home / "new" / "proofs"),
                          "DJANGO_SETTINGS_MODULE": "config.settings.local"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "The database lamplight is not empty" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert rows(original) == before
    assert len(before) > 2
    assert not (home / "new").exists()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("changed", "database.dump has changed since the backup was made"),
        ("cut", "database.dump has changed"),
        ("lost", "scores.csv is not there"),
        ("more", "evidence/stranger.csv is not in the manifest"),
        ("unreadable", "manifest.json is not a backup's manifest"),
        ("gone", "manifest.json can't be read"),
    ],
)
def test_a_broken_backup_is_found_without_restoring_it(original, tmp_path, what, said):
    folder = tmp_path / "backup"
    shutil.copytree(original["backup"], folder)
    dump = folder / "database.dump"
    if what == "changed":
        content = bytearray(dump.read_bytes())
        content[len(content) // 2] ^= 1
        dump.write_bytes(content)
    elif what == "cut":
        os.truncate(dump, dump.stat().st_size // 2)
    elif what == "lost":
        next((folder / "evidence").rglob("scores.csv")).unlink()
    elif what == "more":
        (folder / "evidence" / "stranger.csv").write_text("1\n")
    elif what == "unreadable":
        (folder / "manifest.json").write_text("[]")
    else:
        (folder / "manifest.json").unlink()
    with pytest.raises(CommandError) as refused:
        call_command("check_backup", str(folder))
    assert said in str(refused.value)


def test_a_whole_backup_is_said_to_be_and_needs_no_database(original, capsys):
    call_command("check_backup", original["backup"])
    said = capsys.readouterr().out
    assert "is whole" in said
    assert "2 epochs" in said
