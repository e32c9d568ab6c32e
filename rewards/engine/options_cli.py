"""What every command that reads a bundle and prints amounts takes: the bundle, `--json` and `--decimals`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewards.engine.errors import OptionError

MOST_DECIMALS = 77
"""10^77 is the largest power of ten within the 256 bits of an amount."""


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Have the command take the bundle's directory."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's directory")


def add_amount_options(parser: argparse.ArgumentParser) -> None:
    """Have the command take the form in which amounts are printed."""
    parser.add_argument("--json", action="store_true", help="print JSON, amounts as strings in the smallest unit")
    parser.add_argument(
        "--decimals", type=int, metavar="N", help="print amounts in whole tokens of 10^N smallest units"
    )


def check_decimals(decimals: int | None) -> None:
    """Raise OptionError unless amounts can be printed with so many decimals; None is for the smallest unit."""
    if decimals is not None and not 0 <= decimals <= MOST_DECIMALS:
        raise OptionError(option="--decimals", reason=f"it has to be from 0 to {MOST_DECIMALS}")
