"""Ctrl-C, a polite kill and a closed terminal end a command alike, and a second one does not cut the end short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_on_signals() -> None:
    """Let each of SIGNALS raise KeyboardInterrupt in the main thread, even where a shell had them ignored."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore SIGNALS for a while: an impatient second Ctrl-C must not leave processes behind.

    Programs that are started meanwhile ignore them too. Outside the main thread, which gets all signals, nothing
    has to be done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
