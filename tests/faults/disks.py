"""Disks that are full when a test says so: a small one of its own, or what comes nearest for who may not mount."""

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

SIZE = 1 << 20


class Disk(Protocol):
    """A place to write to, in `folder`."""

    folder: Path

    def leave(self, room: int | None) -> None:
        """Leave room for so many bytes; None: for all."""

    def end(self) -> None:
        """Take it away."""


class SmallDisk:
    """A tmpfs, filled up but for the room that is left. Raises OSError or CalledProcessError for who may not mount."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path / "folder"
        path.mkdir(parents=True)
        argv = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
        subprocess.run(argv, check=True, capture_output=True)
        self.folder.mkdir()

    def leave(self, room: int | None) -> None:
        """Write a file over all else."""
        ballast = self.path / "ballast"
        ballast.unlink(missing_ok=True)
        if room is not None:
            ballast.write_bytes(b"\0" * max(0, shutil.disk_usage(self.path).free - room))

    def end(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


class BlockedFolder:
    """A folder that nobody can write to, root included, until there is room for all: a file stands in its place.

    It refuses before the first byte. That a write ends in the middle only a small disk shows.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.folder = path / "folder"
        self.folder.mkdir()

    def leave(self, room: int | None) -> None:
        """Put the file there, or the folder back; it is empty, or has been given all the room already."""
        if room is None and not self.folder.is_dir():
            self.folder.unlink()
            self.folder.mkdir()
        elif room is not None and self.folder.is_dir():
            self.folder.rmdir()
            self.folder.touch()

    def end(self) -> None:
        """Leave it to whoever removes the files of a test."""


def disk_at(path: Path) -> Disk:
    """Return a small disk, a blocked folder where that can't be mounted."""
    try:
        return SmallDisk(path)
    except (OSError, subprocess.CalledProcessError):
        return BlockedFolder(path)
