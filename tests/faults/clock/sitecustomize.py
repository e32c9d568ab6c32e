"""For processes whose clock libfaketime moves: Python's sleep by a call that libfaketime leaves alone.

Its own `clock_nanosleep` moves the monotonic clock's times as well, and Python 3.11's sleep then fails with EINVAL.
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
