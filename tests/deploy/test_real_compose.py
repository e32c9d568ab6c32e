"""docker/compose.yml read by Docker Compose itself, on machines that have it."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from tests.deploy import compose

LEAST = (2, 24)
"""The first that knows `required: false` of an env_file."""


def program() -> list[str]:
    """The command of a Compose that is new enough; skips the test where there is none."""
    found = "none is installed"
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]) is None:
            continue
        done = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
        version = re.match(r"v?(\d+)\.(\d+)", done.stdout.strip())
        if done.returncode == 0 and version:
            if (int(version[1]), int(version[2])) >= LEAST:
                return words
            found = f"the one here is {done.stdout.strip()}"
    pytest.skip(f"Docker Compose 2.24 or newer has to read the file, and {found} (Debian 13: docker-compose)")


def config(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [*program(), "--project-directory", "docker", "--env-file", "/dev/null", *words], cwd=compose.REPOSITORY,
        env=base | env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_compose_takes_the_file_and_reads_it_as_the_tests_do():
    done = config("--profile", "*", "config", env=compose.example())
    assert done.returncode == 0, done.stderr
    theirs, ours = yaml.safe_load(done.stdout)["services"], compose.resolved(compose.example())["services"]
    assert set(theirs) == set(ours)
    for name, service in ours.items():
        assert theirs[name].get("command") == service.get("command"), name
        settings = {key: str(value) for key, value in theirs[name].get("environment", {}).items()}
        assert settings == service.get("environment", {}), name
        assert [each["source"] for each in theirs[name].get("secrets", [])] == service.get("secrets", []), name


@pytest.mark.parametrize("missing", ["ALLOWED_HOSTS", "SITE_URL", "DEFAULT_FROM_EMAIL"])
def test_compose_says_what_has_to_be_set(missing):
    given = {name: value for name, value in compose.example().items() if name != missing}
    done = config("config", "--quiet", env=given)
    assert done.returncode != 0
    assert f"Set {missing} in docker/.env" in done.stderr
