"""Compares engine and reference on drawn epochs of a range of seeds: `python -m tests.engine.fuzz FIRST END`.

Every sort of epoch is drawn from every seed; the exact replay hands back to the kernel after few events, so that the
two take turns within an epoch. `make fuzz-engine` runs it with the kernel's array bounds checked.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rewards.engine import compiled
from tests.engine.agreement import differences
from tests.engine.broken_epochs import write_broken_bundle
from tests.engine.crowded_epochs import write_crowded_bundle
from tests.engine.extreme_epochs import write_extreme_bundle
from tests.engine.random_epochs import write_random_bundle
from tests.engine.split_epochs import write_split_bundle

WRITERS: tuple[Callable[[Path, int], object], ...] = (
    write_crowded_bundle, write_extreme_bundle, write_random_bundle, write_broken_bundle, write_split_bundle,
)  # fmt: skip
EXACT_ROWS = (1, 2, 7, 4096)


def main(first: int, end: int) -> int:
    """Print every difference, with its seed and sort of epoch, then how many epochs there were; 1 if any differs."""
    found = 0
    for seed in range(first, end):
        compiled.EXACT_ROWS = EXACT_ROWS[seed % len(EXACT_ROWS)]
        for write in WRITERS:
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), seed)
                for line in differences(Path(folder), seed):
                    print(f"{write.__name__}, {line}", flush=True)
                    found += 1
    print(f"{(end - first) * len(WRITERS)} epochs, {found} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
