"""The service's own Celery application whose beat pokes more often; with TASKS_THRICE, every task comes three times.

Used as `celery --app tests.faults.quick`. Thrice means: three files in the queue for each task, at places of its
order that are drawn by a die, so that what was sent later may come earlier.
"""

import os
import random
import uuid
from pathlib import Path
from time import monotonic_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.utils import json

from config.celery import app
from config.embedded import filequeue

__all__ = ["app"]
OFTEN_S = {f"rewards.tasks.{name}": 1.0 for name in ("watch_distributor", "advance_epochs", "relay_claims")}
OFTEN_S["onchain.tasks.follow_head"] = 1.0
USUAL_S = 3.0
SPREAD_MS = 2_000
SENT = os.environ.get("TASKS_THRICE", "")
"""A file that gets a byte for each delivery; empty: tasks come once."""


class Channel(filequeue.Channel):
    """A channel that delivers everything three times, shuffled."""

    def _put(self, queue: Any, payload: Any, **_: Any) -> None:
        folder = Path(self.data_folder_out)
        for _ in range(3):
            place = monotonic_ns() // 1_000_000 + random.randrange(SPREAD_MS)
            fresh = folder / f".{uuid.uuid4()}.writing"
            fresh.write_bytes(json.dumps(payload).encode())
            fresh.replace(folder / f"{place}_{uuid.uuid4()}.{queue}.msg")
        with open(SENT, "ab", buffering=0) as counter:
            counter.write(b"...")


class Transport(filequeue.Transport):
    """The transport with that channel."""

    Channel = Channel


if SENT:
    TRANSPORT_ALIASES["filesystem"] = "tests.faults.quick:Transport"
app.conf.beat_schedule = {
    name: {**entry, "schedule": OFTEN_S.get(entry["task"], USUAL_S)} for name, entry in app.conf.beat_schedule.items()
}
