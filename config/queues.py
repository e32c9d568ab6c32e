"""How many tasks wait in each queue, asked of the broker itself; the oldest one's age where the broker keeps it."""

import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from kombu.connection import Connection

QUEUES = {
    "celery": "Following the chain, epochs, notices",
    "scoring": "Scoring",
    "figures": "Scorecards’ figures",
    "relayer": "Collections",
}
"""Every queue that tasks are sent to, and what for, in plain words."""
TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A queue of the broker. waiting: tasks that nobody has taken. oldest_s: seconds; None where nobody can tell."""

    name: str
    waiting: int
    oldest_s: int | None


def queue_depths() -> list[QueueDepth]:
    """Return every queue's depth. Raises OSError with the broker's words when it does not answer within two seconds."""
    try:
        with _broker() as broker:
            channel = broker.default_channel
            return [QueueDepth(name, _waiting(channel, name), _oldest_s(name)) for name in QUEUES]
    except Exception as error:  # each kind of broker has errors of its own
        raise OSError(str(error) or type(error).__name__) from error


def queue_answers() -> bool:
    """Whether the broker answers within two seconds."""
    try:
        with _broker() as broker:
            _waiting(broker.default_channel, "celery")
    except Exception:  # as above; which one it was is on the status page
        return False
    return True


def _broker() -> Connection:
    options = {**getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})}
    if not is_in_files():
        # Left to itself kombu tries for ever.
        options |= {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S, "max_retries": 1}
        options |= {"interval_start": 0, "interval_step": 0, "interval_max": 0}
    return Connection(  # type: ignore[no-untyped-call]
        settings.CELERY_BROKER_URL, connect_timeout=TIMEOUT_S, transport_options=options
    )


def is_in_files() -> bool:
    """Whether the queue is the one that needs no service: files in a folder of this machine."""
    return bool(settings.CELERY_BROKER_URL.startswith("filesystem"))


def _waiting(channel: object, name: str) -> int:
    # kombu's own count; every transport of ours has it, and asking by `queue_declare` fails for an empty Redis list.
    return int(channel._size(name))  # type: ignore[attr-defined]


def _oldest_s(name: str) -> int | None:
    """Return the age of the oldest waiting file; Redis keeps no time of a message."""
    if not is_in_files():
        return None
    folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"])
    times = []
    for path in folder.glob(f"*.{name}.msg"):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:
            continue  # taken this instant
    return max(0, int(time.time() - min(times))) if times else None
