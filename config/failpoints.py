"""Named points at which a test can kill the process, to prove that a task may die at any line.

Off unless LAMPLIGHT_FAILPOINTS is set, and never on in production. It holds `name:n` or `name:n:group`, comma
separated: at the n-th pass (from 1) the process, or its whole process group, gets SIGKILL. Each fires once: a
file in LAMPLIGHT_FAILPOINTS_DIR remembers it, so that the restarted process gets past.
"""

import os
import signal
from collections import Counter
from pathlib import Path

_passed: Counter[str] = Counter()


def hit(name: str) -> None:
    """Pass the point called `name`; returns at once unless a test armed it."""
    armed = os.environ.get("LAMPLIGHT_FAILPOINTS")
    if not armed or os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith("production"):
        return
    _passed[name] += 1
    for entry in armed.split(","):
        point, count, *scope = entry.split(":")
        if point == name and int(count) == _passed[name] and _first_time(entry):
            os.killpg(os.getpgrp(), signal.SIGKILL) if scope == ["group"] else os.kill(os.getpid(), signal.SIGKILL)


def _first_time(entry: str) -> bool:
    folder = os.environ.get("LAMPLIGHT_FAILPOINTS_DIR")
    if folder is None:
        return True
    try:
        (Path(folder) / entry.replace(":", "-")).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
