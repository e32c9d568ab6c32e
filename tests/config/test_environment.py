"""Secrets from files: a file's content counts like the variable, and what can't be read is said at the start."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import SECRETS, Environment, WithFiles


def environment(values: dict[str, str]) -> Environment:
    class Given(Environment):
        ENVIRON = WithFiles(values)

    return Given()


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_can_be_the_content_of_a_file(tmp_path, ending):
    (tmp_path / "url").write_text("postgres://lamplight:p%40ss@db:5432/lamplight" + ending)
    env = environment({"DATABASE_URL_FILE": str(tmp_path / "url")})
    assert env.db_url("DATABASE_URL")["PASSWORD"] == "p@ss"
    assert "DATABASE_URL" in env


def test_both_at_once_are_refused(tmp_path):
    (tmp_path / "key").write_text("one")
    with pytest.raises(ImproperlyConfigured, match=r"Both SECRET_KEY and SECRET_KEY_FILE are set"):
        environment({"SECRET_KEY": "other", "SECRET_KEY_FILE": str(tmp_path / "key")}).str("SECRET_KEY")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE is .*nowhere, which can't be read"):
        environment({"SECRET_KEY_FILE": str(tmp_path / "nowhere")}).str("SECRET_KEY")


def test_what_is_no_secret_is_read_from_no_file(tmp_path):
    (tmp_path / "level").write_text("DEBUG")
    assert environment({"LOG_LEVEL_FILE": str(tmp_path / "level")}).str("LOG_LEVEL", default="INFO") == "INFO"


def test_an_empty_variable_gives_way_to_the_file_and_neither_is_the_default(tmp_path):
    (tmp_path / "token").write_text("t")
    assert environment({"METRICS_TOKEN": "", "METRICS_TOKEN_FILE": str(tmp_path / "token")}).str("METRICS_TOKEN") == "t"
    assert environment({}).str("METRICS_TOKEN", default="none") == "none"


def test_a_keystore_s_password_file_stays_a_path():
    """PROPOSER_KEYSTORE_PASSWORD_FILE is a setting of its own, older than this rule."""
    assert not [name for name in SECRETS if name.endswith("PASSWORD")]
