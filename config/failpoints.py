"""Named points at which a test can kill the process, to prove that a task may die at any line.

Off unless LAMPLIGHT_FAILPOINTS is set, and never on in production. The form is `name:n[,name:n]`: the process
kills itself with SIGKILL at the n-th time (from 1) that it passes the point.
"""

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def hit(name: str) -> None:
    """Pass the point called `name`; returns at once unless a test armed it."""
    armed = os.environ.get("LAMPLIGHT_FAILPOINTS")
    if not armed or os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith("production"):
        return
    _passed[name] += 1
    if f"{name}:{_passed[name]}" in armed.split(","):
        os.kill(os.getpid(), signal.SIGKILL)
