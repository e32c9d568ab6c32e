"""A newcomer adds a venue with nothing but docs/developers/add-a-venue.md: each command and file as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import DOCS, blocks, shown

PAGE = "developers/add-a-venue.md"
REPOSITORY = DOCS.parent
DOWN = [sys.executable, "-m", "config.embedded", "down"]


@pytest.fixture
def home(tmp_path):
    """A folder that looks like the repository, with a database and a chain of its own and no settings."""
    ours = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "ANVIL")
    environment = {key: os.environ[key] for key in ours if key in os.environ}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "LAMPLIGHT_DATA_DIR": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
    }
    (tmp_path / "manage.py").symlink_to(REPOSITORY / "manage.py")
    yield tmp_path, environment
    subprocess.run(DOWN, cwd=tmp_path, env=environment, check=False, capture_output=True)


def test_whoever_follows_the_page_sees_the_makers_of_a_new_venue_scored(home):
    folder, environment = home
    commands = 0
    printed = ""
    for block in blocks(PAGE):
        if block.file:
            (folder / block.file).write_text(block.text)
        elif block.language == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text],
                cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
            commands, printed = commands + 1, done.stdout.strip()
        elif block.language == "text":
            assert shown(block.text).fullmatch(printed), f"The page shows\n{block.text}\nand this came:\n{printed}"
    assert commands >= 6
    assert (folder / "corner/trial/tree.json").is_file()
