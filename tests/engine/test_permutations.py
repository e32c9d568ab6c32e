"""Hash seed, time zone, locale, sizes of batches, order of workers and of rows change no bit of the answer."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from rewards.engine import bundle, scoring
from tests.engine.published import VECTORS

EACH = 26
# 22, 1 and 59 have a previous tree and three markets or fewer; a vector's own root is checked in test_vectors.py.
PROCESSES = (
    ("22", {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"}),
    ("22", {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8"}),
    ("22", {"PYTHONHASHSEED": "4294967295", "TZ": "America/New_York", "LC_ALL": "tr_TR.UTF-8"}),
    ("22", {"PYTHONHASHSEED": "random", "TZ": "Asia/Kathmandu", "LC_ALL": "de_DE.UTF-8"}),
    ("59", {"PYTHONHASHSEED": "2", "TZ": "Pacific/Pago_Pago", "LC_ALL": "POSIX"}),
    ("59", {"PYTHONHASHSEED": "random", "TZ": "Australia/Lord_Howe", "LC_ALL": "ja_JP.UTF-8"}),
    ("1", {"PYTHONHASHSEED": "3", "TZ": "Africa/Casablanca", "LC_ALL": "C"}),
    ("1", {"PYTHONHASHSEED": "random", "TZ": "Europe/London", "LC_ALL": "C.UTF-8"}),
)


def answer(directory: Path) -> str:
    """The SHA-256 of all output files, scored at once and in this process."""
    files = bundle.output_files(scoring.score(bundle.read_inputs(directory)))
    return hashlib.sha256(b"\0".join(files[name] for name in sorted(files))).hexdigest()


def build_locales(folder: Path) -> dict[str, str]:
    """Compile the locales that the machine has only as sources; without the means, C is all there is to try."""
    folder.mkdir()
    compiler = shutil.which("localedef")
    for name in ("tr_TR", "de_DE", "ja_JP") if compiler else ():
        command = [compiler, "-i", name, "-f", "UTF-8", folder / f"{name}.UTF-8"]
        subprocess.run(command, check=False, capture_output=True)
    return {"LOCPATH": str(folder)} if any(folder.iterdir()) else {}


def test_at_least_200_permutations_give_the_same_bits(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    locales = build_locales(tmp_path / "locales")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.engine.permutations", VECTORS / vector, str(EACH), str(seed)],
            cwd=root, env=os.environ | locales | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for seed, (vector, environment) in enumerate(PROCESSES)
    ]  # fmt: skip
    printed = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0] * len(running), printed
    hashes = {vector: answer(VECTORS / vector) for vector, _ in PROCESSES}
    lines = [(vector, line) for (vector, _), (out, _) in zip(PROCESSES, printed, strict=True) for line in out.split()]
    assert len(lines) >= 200
    assert set(lines) == set(hashes.items())
    seeds, zones, names = zip(*(err.split(maxsplit=2) for _, err in printed), strict=True)
    assert len(set(seeds)) == len(PROCESSES)  # the processes did differ
    assert len(set(zones)) >= 6
    assert not locales or any("tr_TR.UTF-8" in name for name in names)
