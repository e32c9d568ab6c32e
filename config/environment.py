"""The environment as the settings read it: a secret can also be the content of a file that NAME_FILE names."""

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

SECRETS = frozenset(
    {
        *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "MIGRATE_DATABASE_URL", "CELERY_BROKER_URL"),
        *(
            "RPC_URLS",
            "RPC_WS_URL",
            "EMAIL_URL",
            "METRICS_TOKEN",
            "SENTRY_DSN",
            "PROPOSER_KEY",
            "RELAYER_KEY",
            "ATTESTOR_KEY",
        ),
    }
)
"""What may come from a file. A file is seen neither by `docker inspect` nor by a child's /proc/PID/environ."""


class WithFiles(MutableMapping[str, str]):
    """The environment, in which a secret that is not set is read from the file that its NAME_FILE names.

    Asking for a secret raises ImproperlyConfigured when both are set, or the file can't be read.
    """

    def __init__(self, source: MutableMapping[str, str]) -> None:
        self._source = source

    def __getitem__(self, name: str) -> str:
        """Return the variable, or the file's content without the line ends after it. Raises KeyError."""
        path = self._source.get(f"{name}_FILE", "") if name in SECRETS else ""
        if not path:
            return self._source[name]
        if self._source.get(name):
            raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set. Unset one of them.")
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE is {path}, which can't be read ({error.strerror}). Name another file, or set {name}."
            ) from error

    def __setitem__(self, name: str, value: str) -> None:
        """Set the variable."""
        self._source[name] = value

    def __delitem__(self, name: str) -> None:
        """Unset the variable."""
        del self._source[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether the variable or its file is given."""
        return name in self._source or (name in SECRETS and bool(self._source.get(f"{name}_FILE")))

    def __iter__(self) -> Iterator[str]:
        """Go through the variables' names."""
        return iter(self._source)

    def __len__(self) -> int:
        """Count the variables."""
        return len(self._source)


class Environment(environ.Env):  # type: ignore[misc]  # the package has no types
    """django-environ's reader over WithFiles."""

    ENVIRON = WithFiles(os.environ)
