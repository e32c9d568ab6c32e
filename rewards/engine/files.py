"""The files of a bundle's directory, opened with care: missing, no file at all, or unreadable is one clear error."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from rewards.engine.errors import BundleError


def check_directory(directory: Path | str) -> Path:
    """Return the path of a bundle's directory. Raises BundleError, which names it, when it is none that can be read."""
    folder = Path(directory)
    try:
        next(folder.iterdir(), None)
    except FileNotFoundError as error:
        raise BundleError(file=str(folder), reason="there is no such directory") from error
    except NotADirectoryError as error:
        reason = "it is not a directory; a packed bundle has to be unpacked first"
        raise BundleError(file=str(folder), reason=reason) from error
    except (OSError, ValueError) as error:
        raise BundleError(file=str(folder), reason=f"the directory cannot be read ({why(error)})") from error
    return folder


def is_there(directory: Path, name: str) -> bool:
    """Say whether there is anything of that name, a link that leads nowhere among it."""
    return os.path.lexists(directory / name)


def check_regular(directory: Path, name: str) -> Path:
    """Return a file's path. Raises BundleError when it is missing or no file (reading a pipe would never end)."""
    path = directory / name
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        reason = "it is a link that leads nowhere" if is_there(directory, name) else "the file is missing"
        raise BundleError(file=name, reason=reason) from error
    except (OSError, ValueError) as error:
        raise BundleError(file=name, reason=f"the file cannot be read ({why(error)})") from error
    if not stat.S_ISREG(mode):
        raise BundleError(file=name, reason="it is not a file")
    return path


def read_file(directory: Path, name: str) -> bytes:
    """Return a file's bytes. Raises BundleError when it is missing or cannot be read."""
    try:
        return check_regular(directory, name).read_bytes()
    except OSError as error:
        raise BundleError(file=name, reason=f"the file cannot be read ({why(error)})") from error


def hash_file(directory: Path, name: str) -> str:
    """Return a file's SHA-256, 64 hex digits. Raises BundleError."""
    try:
        with check_regular(directory, name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(file=name, reason=f"the file cannot be read ({why(error)})") from error


def why(error: OSError | ValueError) -> str:
    """Return the system's reason in lower case."""
    return (getattr(error, "strerror", None) or str(error)).lower()
