"""The points at which a test can kill a process: all of them have a name in one list, and nobody passes another."""

import re
from pathlib import Path

from config import failpoints

REPOSITORY = Path(__file__).resolve().parents[2]


def passed() -> list[str]:
    """Return the names that the code passes, one for each place."""
    files = [path for app in ("onchain", "rewards") for path in (REPOSITORY / app).rglob("*.py")]
    return [name for path in files for name in re.findall(r'failpoints\.hit\(\s*"([^"]+)"', path.read_text())]


def test_every_point_is_passed_at_one_place_and_is_in_the_list():
    assert sorted(passed()) == sorted(failpoints.POINTS)


def test_the_document_names_every_point():
    text = (REPOSITORY / "docs" / "faults.md").read_text()
    assert [name for name in failpoints.POINTS if f"`{name}`" not in text] == []
