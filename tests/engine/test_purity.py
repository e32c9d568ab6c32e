"""The engine uses no floating point and no clock anywhere, and reads and writes only in its doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.purity import violations, violations_of_folder

ENGINE = Path(__file__).parents[2] / "rewards" / "engine"


def test_the_engine_is_pure() -> None:
    assert violations_of_folder(ENGINE) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 0.5",
        "x = 1e3",
        "x = 2j",
        "x = a / b",
        "x /= 2",
        "x = a ** -1",
        "x = float(a)",
        "x = round(a)",
        "x = hash(a)",
        "import time",
        "import datetime as d",
        "from datetime import datetime",
        "from time import time",
        "import random",
        "import math",
        "from os import environ",
        "import os",
        "import sys",
        "from pathlib import Path",
        "import numpy.random",
        "from numpy import random",
        "from numpy import float64",
        "from numpy import sqrt",
        "from numba import float64",
        "import pyarrow.parquet as pq",
        "x = np.float64(a)",
        "x = np.zeros(5)",
        "x = np.empty(5)",
        "x = np.zeros(5, dtype='float64')",
        "x = np.zeros(5, dtype=float)",
        "x = a.astype('f8')",
        "x = a.mean()",
        "x = np.sqrt(a)",
        "x = np.random.default_rng()",
        "x = ir.DoubleType()",
        "x = builder.sitofp(a, b)",
        "x = types.float64",
        "x = types.double",
        "x = np.log(a)",
        "x = np.median(a)",
        "x = open('a')",
        "print(a)",
        "x = path.read_bytes()",
        "x = datetime.now()",
        "x = os.environ['A']",
    ],
)
def test_the_check_finds_floats_files_clocks_and_the_environment(source: str) -> None:
    assert violations(source, name="kernel")


@pytest.mark.parametrize(
    "source",
    [
        "x = a // b",
        "x = 7 ** 2",
        "x = np.zeros(5, dtype=np.int64)",
        "x = np.zeros(5, np.int64)",
        "from numba import njit, types",
        "x = a.astype(np.int32)",
        "x = run.log[0]",
        "from numba.core import cgutils",
        "from llvmlite import ir",
        "x = ir.IntType(128)",
        "x = builder.udiv(builder.zext(a, wide), b)",
        "'''A docstring that says float, time and open().'''",
    ],
)
def test_the_check_lets_whole_numbers_pass(source: str) -> None:
    assert violations(source, name="kernel") == []


def test_only_the_doors_may_read_and_write_and_they_too_neither_divide_nor_ask_the_clock() -> None:
    assert violations("import os\nx = (folder / name).read_bytes()\nprint(x)", name="bundle") == []
    assert violations("import argparse, sys\nprint(1)", name="whatif_cli") == []
    for source in ("x = total / count", "import time", "x = 0.1", "x = os.environ['TZ']"):
        assert violations(source, name="bundle")
        assert violations(source, name="__main__")
