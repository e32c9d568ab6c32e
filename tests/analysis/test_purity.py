"""Analysis may use floats and seeded draws, but asks no clock, and only its commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.purity import violations, violations_of_folder

ANALYSIS = Path(__file__).parents[2] / "rewards" / "analysis"
NOT_HERE = ("reads or writes", "asks the clock", "imports time", "imports datetime", "imports random", "environ")


def kept(found: list[str]) -> list[str]:
    """What of the engine's violations is one here as well; datetime64 writes a given time in words."""
    return [each for each in found if any(words in each for words in NOT_HERE) and "datetime64" not in each]


def test_analysis_neither_reads_nor_writes_nor_asks_the_clock() -> None:
    assert kept(violations_of_folder(ANALYSIS)) == []


@pytest.mark.parametrize(
    "source", ["x = open('a')", "import time", "from datetime import datetime", "x = a.read_bytes()", "print(a)"]
)
def test_the_check_finds_files_clocks_and_prints(source: str) -> None:
    assert kept(violations(source, name="luck"))


def test_no_result_that_feeds_a_root_imports_analysis() -> None:
    engine = ANALYSIS.parent / "engine"
    importers = [path.name for path in engine.glob("**/*.py") if "rewards.analysis" in path.read_text("utf-8")]
    assert importers == ["__main__.py"]
