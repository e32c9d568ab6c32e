"""Asks a worker to score the newest blocks, from a thread of its own: a queue that hangs never holds the head up.

Pokes that come while one is being sent are one poke. One that is lost costs a few seconds: beat pokes as well.
"""

import logging
import threading

logger = logging.getLogger(__name__)
EXPIRES_S = 2
_wanted = threading.Event()
_lock = threading.Lock()
_threads: list[threading.Thread] = []


def poke_live(**_: object) -> None:
    """Have the newest blocks scored soon; returns at once."""
    with _lock:
        if not _threads:
            _threads.append(threading.Thread(target=_send, name="pokes", daemon=True))
            _threads[0].start()
    _wanted.set()


def _send() -> None:
    from config.celery import app

    while True:
        _wanted.wait()
        _wanted.clear()
        try:
            app.send_task("rewards.tasks.score_live_news", expires=EXPIRES_S, retry=False)
        except Exception as error:
            logger.warning("Nobody could be asked to score the newest blocks: %s", error)
