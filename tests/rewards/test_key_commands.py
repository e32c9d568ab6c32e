"""The commands for hot keys: an encrypted file that the service can open, and a look at what the settings give."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from config import embedded
from onchain.signers import SignerConfig


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text("forty lamps at night\n")
    return path


def test_a_keystore_is_readable_by_its_owner_alone_and_opens_with_its_password(tmp_path, password, monkeypatch):
    key, path, out = embedded.test_key("proposer"), tmp_path / "proposer.json", io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(key + "\n"))
    call_command("keystore", str(path), "--import", "--password-file", str(password), stdout=out)
    assert path.stat().st_mode & 0o777 == 0o600
    signer = SignerConfig(role="PROPOSER", keystore=str(path), password_file=str(password)).signer()
    assert signer.address in out.getvalue()
    assert json.loads(path.read_text())["address"].lower() == signer.address[2:]
    assert key[2:] not in out.getvalue() + path.read_text()
    with pytest.raises(CommandError, match="can't be written"):
        call_command("keystore", str(path), "--password-file", str(password), stdout=out)


def test_a_short_password_and_a_text_that_is_no_key_are_refused(tmp_path, password, monkeypatch):
    short = tmp_path / "short"
    short.write_text("lamp")
    with pytest.raises(CommandError, match="12 characters"):
        call_command("keystore", str(tmp_path / "a.json"), "--password-file", str(short))
    monkeypatch.setattr("sys.stdin", io.StringIO("not a key\n"))
    with pytest.raises(CommandError, match="no private key") as caught:
        call_command("keystore", str(tmp_path / "b.json"), "--import", "--password-file", str(password))
    assert "not a key" not in str(caught.value)


@pytest.mark.django_db
def test_every_hot_key_is_shown_with_its_account_and_whether_it_has_its_role(house, settings):
    out = io.StringIO()
    settings.SIGNERS = {**settings.SIGNERS, "ATTESTOR": {"key": embedded.test_key("attestor")}}
    call_command("signers", stdout=out)
    proposer, relayer, attestor = out.getvalue().splitlines()
    assert house.anvil.accounts[2] in proposer
    assert "perps: has the role" in proposer
    assert house.anvil.accounts[4] in relayer
    assert "does NOT have the role" in attestor
    settings.SIGNERS = {**settings.SIGNERS, "PROPOSER": {}}
    out = io.StringIO()
    call_command("signers", stdout=out)
    assert "has no key here" in out.getvalue().splitlines()[0]
