"""A newcomer adds a calendar with nothing but docs/developers/add-a-calendar.md: its file and program as they stand."""

import os
import subprocess
import sys

from tests.documents import DOCS, blocks, shown, tables

PAGE = "developers/add-a-calendar.md"
ROOT = DOCS.parent


def test_the_pages_file_and_program_show_what_the_page_shows(tmp_path):
    found = list(blocks(PAGE))
    for block in (each for each in found if each.file):
        (tmp_path / block.file).write_text(block.text)
    (output,) = [each.text for each in found if each.language == "text"]
    made = subprocess.run(
        [sys.executable, "look.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert shown(output).fullmatch(made.stdout.strip())


def test_the_page_names_every_key_that_the_shipped_files_have():
    ((heading, *rows),) = tables((DOCS / PAGE).read_text(encoding="utf-8"))
    assert heading == ["key", "means"]
    named = {key.strip(" `[]") for row in rows for key in row[0].split(",")}
    for path in sorted((ROOT / "rewards" / "calendars" / "data").glob("*.toml")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        keys = {line.split("=")[0].strip(" []") for line in lines} - {"from", "date", "why", "closed"}
        assert keys <= named, path.name
