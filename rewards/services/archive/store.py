"""The archive as files behind one URL, through fsspec: a folder of this machine, or an S3-compatible store.

Secrets come from the environment alone, as the store's own library reads them (AWS_ACCESS_KEY_ID and so on); the URL
has none. What is written is read back whole and compared before anybody counts on it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import fsspec
from django.conf import settings

from rewards.errors import ArchiveError

_PART: Final = 1 << 20


class Archive:
    """The archive at `url`. Raises ArchiveError where it can't be reached, read or written."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.scheme or parts.password or "@" in parts.netloc:
            rule = "it needs a form such as file:///path or s3://bucket/path, without a name and password"
            raise ArchiveError(where="ARCHIVE_URL", reason=rule)
        self.url = url.rstrip("/")
        try:
            self._files, root = fsspec.core.url_to_fs(self.url, **_options(parts.scheme))
        except (ImportError, ValueError, OSError) as error:
            raise ArchiveError(where=self.url, reason=str(error)) from error
        self._root = str(root).rstrip("/")

    def url_of(self, name: str) -> str:
        """Return where a file is."""
        return f"{self.url}/{name}"

    def put(self, path: Path, name: str) -> str:
        """Write a file, read it back, and return its SHA-256. Raises ArchiveError when it comes back differently."""
        wanted = sha256_of(path)
        with _told(self.url_of(name)):
            self._files.makedirs(f"{self._root}/{name}".rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(path), f"{self._root}/{name}")
        if self.sha256(name) != wanted:
            raise ArchiveError(where=self.url_of(name), reason="what was read back is not what was written")
        return wanted

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file, read whole."""
        digest = hashlib.sha256()
        for part in self._parts(name):
            digest.update(part)
        return digest.hexdigest()

    def get(self, name: str, path: Path, *, sha256: str) -> None:
        """Fetch a file. Raises ArchiveError, and leaves nothing, when it is not the one that was archived."""
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for part in self._parts(name):
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != sha256:
            path.unlink()
            raise ArchiveError(where=self.url_of(name), reason="it is not the file that was archived")

    def read(self, name: str) -> bytes:
        """Return a small file."""
        return b"".join(self._parts(name))

    def _parts(self, name: str) -> Iterator[bytes]:
        with _told(self.url_of(name)):
            # Another process may have written it since this one looked at the folder.
            self._files.invalidate_cache()
            with self._files.open(f"{self._root}/{name}", "rb") as file:
                while part := file.read(_PART):
                    yield part


class _told:  # noqa: N801 - reads as a word
    """Turn what the store's library raises into one error of ours, which names the place."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        # The stores' libraries raise errors of their own trees, which are not known here.
        if isinstance(error, Exception) and not isinstance(error, ArchiveError):
            raise ArchiveError(where=self._where, reason=f"{type(error).__name__}: {error}") from error


def archive() -> Archive:
    """Return the archive of the settings. Raises ArchiveError without one."""
    if not settings.ARCHIVE_URL:
        raise ArchiveError(where="ARCHIVE_URL", reason="it is not set, so there is no archive")
    return Archive(settings.ARCHIVE_URL)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of this machine."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _options(scheme: str) -> dict[str, Any]:
    # No listings from memory: other machines write, too.
    return {"use_listings_cache": False} if scheme == "s3" else {}
