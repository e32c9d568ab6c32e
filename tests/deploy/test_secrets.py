"""docker/secrets.sh and the command of docs/deployment.md that makes keystores, as an operator runs them one by one."""

import os
import re
import subprocess
import sys

import pytest

from onchain.signers import SignerConfig
from tests.deploy import compose

ROLES = ("proposer", "relayer")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "secrets"


def run_script(folder) -> str:
    done = subprocess.run(
        ["sh", "docker/secrets.sh", str(folder)], cwd=compose.REPOSITORY, capture_output=True, text=True, check=True
    )
    return done.stdout


def documented() -> tuple[str, list[str]]:
    """The settings and the words of the command in docs/deployment.md."""
    text = (compose.REPOSITORY / "docs" / "deployment.md").read_text()
    found = re.search(r"--env DJANGO_SETTINGS_MODULE=(\S+) lamplight:\S+ \\\n +python (manage\.py keystore .*)", text)
    assert found, "docs/deployment.md has no command that makes a keystore"
    return found[1], found[2].replace('"', "").split()


def test_the_documented_command_makes_keystores_that_open_and_that_containers_can_read(folder):
    assert {line.split(":")[0] for line in run_script(folder).splitlines() if line.startswith("Make ")} == {
        f"Make {folder}/{role}_keystore" for role in ROLES
    }
    settings, words = documented()
    for role in ROLES:
        ours = [word.replace("/keys", str(folder)).replace("${role}", role) for word in words]
        done = subprocess.run(
            [sys.executable, *ours], cwd=compose.REPOSITORY, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": settings},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        password = folder / f"{role}_keystore_password"
        signer = SignerConfig(role=role.upper(), keystore=ours[2], password_file=str(password)).signer()
        assert signer.address in done.stdout
    assert "keystore" not in run_script(folder)
    assert {each.stat().st_mode & 0o444 for each in folder.iterdir()} == {0o444}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_run_changes_no_secret(folder):
    run_script(folder)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    run_script(folder)
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_every_secret_that_compose_mounts_is_made_or_asked_for(folder):
    said = run_script(folder)
    for secret in compose.document()["secrets"]:
        assert (folder / secret).exists() or f"Make {folder}/{secret}:" in said, secret
