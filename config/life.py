"""The sign of life of worker, beat and follower: a file that says until when the process counts as alive.

Written only where LIFE_FILE names it (the image does). Times are the machine's own since its start, so a clock that
is set neither ends a life nor prolongs one. config/health.py reads it.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

EVERY_S = 1.0
_written_s = float("-inf")


def alive(*, for_s: float, at_once: bool = False) -> None:
    """Say that this process is alive and will say so again within `for_s`; a full disk is no reason to end it.

    Written at most once a second, unless `at_once`.
    """
    global _written_s
    path, now_s = os.environ.get("LIFE_FILE", ""), time.monotonic()
    if not path or (now_s - _written_s < EVERY_S and not at_once):
        return
    _written_s = now_s
    fresh = Path(f"{path}.{os.getpid()}")
    with suppress(OSError):
        fresh.write_text(f"{now_s + for_s:.3f}")
        fresh.replace(path)
