"""What docs/engine.md shows is what the commands print."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.published import publish
from tests.engine.test_merkle_cli import README_VALUES

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shown(page: str) -> list[tuple[str, str]]:
    """The page's commands, each with the output below it."""
    steps = [step for block in CONSOLE.findall(page) for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [tuple(step.split("\n", 1)) for step in steps]


def printed(command: str, folder: Path) -> str:
    """What a command prints in a folder."""
    command = command.replace("python -m", f"{sys.executable} -m")
    run = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(PAGE.parents[1])}
    )
    return run.stdout + run.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the page's examples work on."""
    bundle = publish(tmp_path / "epoch-39", "240")
    terms = json.loads((bundle / "terms.json").read_text())
    for market in terms["markets"].values():
        market["target_lots"] = 400
    (tmp_path / "other.json").write_text(json.dumps(terms))
    (tmp_path / "VALUES.json").write_text(README_VALUES + "\n")
    return tmp_path


def test_the_examples_of_the_page_print_what_the_page_shows(folder: Path) -> None:
    clean = folder / "clean"
    shutil.copytree(folder / "epoch-39", clean)
    steps = shown(PAGE.read_text())
    assert len(steps) >= 10
    for command, output in steps:
        assert printed(command, folder) == output, command
        if "makers.csv" in output:  # the example that breaks the bundle is over
            shutil.rmtree(folder / "epoch-39")
            shutil.copytree(clean, folder / "epoch-39")
