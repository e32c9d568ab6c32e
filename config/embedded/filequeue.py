"""Kombu's queue in files, made safe for readers: a message is in its folder only when it is whole.

The original opens the file under its final name and then writes it, so that a worker can read half a message and
stop (seen as JSONDecodeError in `_get`). Here it is written under another name and renamed.

What has expired is thrown away here, without a worker having to take it: a machine that was too busy for a while has
hundreds of expired pokes in the queue, and a worker that takes them one by one, in turn with those of other queues,
discards them more slowly than new ones come and expire. It never did anything else again.
"""

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils import json


class Channel(filesystem.Channel):
    """A channel whose messages appear at once, and disappear when they have expired."""

    def _put(self, queue: Any, payload: Any, **_: Any) -> None:
        """Put a message onto `queue`; its name keeps the order in which messages were put."""
        folder = Path(self.data_folder_out)
        at_ms, rest_ns = divmod(monotonic_ns(), 1_000_000)
        name = f"{at_ms}_{rest_ns:06}_{uuid.uuid4()}.{queue}.msg"
        # Readers look for names that hold `QUEUE.msg` anywhere, so the other name must not.
        fresh = folder / f".{uuid.uuid4()}.writing"
        try:
            fresh.write_bytes(json.dumps(payload).encode())
            os.replace(fresh, folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add {name} to {folder}: {error}") from error

    def _get(self, queue: Any) -> Any:
        """Take the oldest message of `queue` that has not expired. Raises Empty when there is none."""
        folder, now = Path(self.data_folder_in), datetime.now(UTC)
        for name in sorted(each for each in os.listdir(folder) if each.partition(".")[2] == f"{queue}.msg"):
            payload = _taken(folder / name)
            if payload is not None and not has_expired(payload, now=now):
                return payload
        raise Empty


def _taken(path: Path) -> Any:
    """Return what a message's file says and remove it; None when another reader was faster."""
    mine = path.with_name(f".{uuid.uuid4()}.taken")
    try:
        os.rename(path, mine)
    except FileNotFoundError:
        return None
    try:
        return json.loads(mine.read_bytes().decode())
    finally:
        mine.unlink()


def has_expired(payload: dict[str, Any], *, now: datetime) -> bool:
    """Say whether a message of Celery's has come too late, by the time in its head."""
    expires = (payload.get("headers") or {}).get("expires")
    if not isinstance(expires, str):
        return False
    at = datetime.fromisoformat(expires)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) <= now


class Transport(filesystem.Transport):
    """The transport of `filesystem://` in this project."""

    Channel = Channel
