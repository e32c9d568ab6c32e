"""Bounds what a form may upload before anything of it is kept: nothing goes to the disk, and too much is cut off."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler

MOST_BYTES = 12 << 20
"""Of all files of a form together: ten of a dispute's with room to spare."""


class BoundedUploads(MemoryFileUploadHandler):
    """Keeps a form's files in memory and stops at MOST_BYTES, whatever the request says its length is."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request."""
        self.activated = True
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Take a piece. Raises RequestDataTooBig."""
        self.received += len(raw_data)
        if self.received > MOST_BYTES:
            raise RequestDataTooBig("The files of the form are too large together.")
        kept: bytes | None = super().receive_data_chunk(raw_data, start)
        return kept
