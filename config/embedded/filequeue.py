"""Kombu's queue in files, made safe for readers: a message is in its folder only when it is whole.

The original opens the file under its final name and then writes it, so that a worker can read half a message and
stop (seen as JSONDecodeError in `_get`). Here it is written under another name and renamed.
"""

import os
import uuid
from pathlib import Path
from time import monotonic_ns
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils import json


class Channel(filesystem.Channel):
    """A channel whose messages appear at once."""

    def _put(self, queue: Any, payload: Any, **_: Any) -> None:
        """Put a message onto `queue`; its name keeps the order in which messages were put."""
        folder = Path(self.data_folder_out)
        name = f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        # Readers look for names that hold `QUEUE.msg` anywhere, so the other name must not.
        fresh = folder / f".{uuid.uuid4()}.writing"
        try:
            fresh.write_bytes(json.dumps(payload).encode())
            os.replace(fresh, folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add {name} to {folder}: {error}") from error


class Transport(filesystem.Transport):
    """The transport of `filesystem://` in this project."""

    Channel = Channel
