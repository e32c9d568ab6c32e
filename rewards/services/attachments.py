"""What may be attached to a dispute: small files of a few kinds, under names that harm nobody."""

import hashlib
import re
from dataclasses import dataclass

from rewards.errors import FileRefusedError

MOST_BYTES = 1 << 20
MOST_FILES = 10
"""In one dispute, whoever added them."""
_NAME_LENGTH = 100
_TEXTS = frozenset({"txt", "csv", "log", "json"})
# What a file of each kind begins with; nobody here opens it, this only catches what is plainly something else.
_BEGINNINGS = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "jpeg": b"\xff\xd8\xff", "pdf": b"%PDF-"}
ENDINGS = (*sorted(_TEXTS), *_BEGINNINGS)
"""The endings of the names of files that are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file that may be kept. `name` is safe in a header and on every disk."""

    name: str
    content: bytes
    sha256: str


def file_checked(*, name: str, content: bytes) -> CheckedFile:
    """Return the file under a safe name. Raises FileRefusedError, which says what is taken instead."""
    safe = _safe_name(name)
    ending = safe.rpartition(".")[2].lower() if "." in safe else ""
    if ending not in ENDINGS:
        raise FileRefusedError(name=name, reason=f"files that end in {', '.join(ENDINGS)} are taken, no archives")
    if not content:
        raise FileRefusedError(name=name, reason="it is empty")
    if len(content) > MOST_BYTES:
        raise FileRefusedError(name=name, reason=f"it is larger than {MOST_BYTES >> 20} MiB")
    if not _is_what_it_says(ending, content):
        raise FileRefusedError(name=name, reason=f"it is not what a file ending in {ending} holds")
    return CheckedFile(name=safe, content=content, sha256=hashlib.sha256(content).hexdigest())


def _safe_name(name: str) -> str:
    """Keep the last part of a path, with every doubtful character replaced."""
    last = re.split(r"[/\\]", name)[-1]
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".-")
    stem, dot, ending = safe.rpartition(".")
    return f"{stem[: _NAME_LENGTH - 1 - len(ending)]}{dot}{ending}"[-_NAME_LENGTH:]


def _is_what_it_says(ending: str, content: bytes) -> bool:
    if ending in _BEGINNINGS:
        return content.startswith(_BEGINNINGS[ending])
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
